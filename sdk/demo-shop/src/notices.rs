//! What the shop says when there is nothing to show but a sentence.

use http::StatusCode;

use crate::pages::Notice;

const BACK: (&str, (&str, &str)) = ("/sale/", ("상품으로 돌아가기", "Back to the lamp"));
const AGAIN: (&str, (&str, &str)) = ("/sale/", ("다시 시도하기", "Try again"));
const HOME: (&str, (&str, &str)) = ("/", ("처음으로", "Home"));

/// The request went round the waiting room.
pub const FRONT_DOOR: Notice = Notice {
    status: StatusCode::FORBIDDEN,
    title: ("정문으로 들어와 주세요", "Please use the front door"),
    text: (
        "판매는 대기실을 지난 분께만 열립니다. 처음 화면에서 입장해 주세요. 먼저 온 순서를 지키기 위해서입니다.",
        "The sale opens only to those who came through the waiting room, so that nobody can jump the line. Please enter from the first page.",
    ),
    action: HOME,
    refresh: None,
};

/// The form was not made for this visitor, or cookies are off.
pub const STALE_FORM: Notice = Notice {
    status: StatusCode::FORBIDDEN,
    title: ("화면이 오래되었습니다", "This page is out of date"),
    text: (
        "상품 화면을 새로 열어 다시 눌러 주세요. 계속되면 브라우저의 쿠키를 허용해 주세요.",
        "Open the product page again and press once more. If it goes on, please allow cookies.",
    ),
    action: BACK,
    refresh: None,
};

/// Everything is sold.
pub const SOLD_OUT: Notice = Notice {
    status: StatusCode::CONFLICT,
    title: ("모두 주인을 찾았습니다", "Every piece has found its home"),
    text: (
        "준비한 수량이 모두 판매되었습니다. 결제된 금액은 없습니다. 기다려 주셔서 고맙습니다.",
        "The whole edition is sold. Nothing was charged. Thank you for waiting.",
    ),
    action: HOME,
    refresh: None,
};

/// Nothing on the shelf, but not everything is sold.
pub const ALL_HELD: Notice = Notice {
    status: StatusCode::CONFLICT,
    title: ("지금은 모두 결제 중입니다", "All pieces are being paid for"),
    text: (
        "남은 수량이 모두 다른 분의 결제 단계에 있습니다. 취소되는 즉시 다시 열리니 잠시 후 다시 눌러 주세요.",
        "Every piece that is left is in somebody's checkout. As soon as one is given up it is free again; please try in a moment.",
    ),
    action: AGAIN,
    refresh: None,
};

/// The core did not take the order.
pub const NO_PAYMENT_NOW: Notice = Notice {
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: (
        "지금은 결제를 시작할 수 없습니다",
        "Payments cannot start right now",
    ),
    text: (
        "결제 서비스에 잠시 문제가 있습니다. 결제된 금액은 없습니다. 잠시 후 다시 시도해 주세요.",
        "The payment service has a moment's trouble. Nothing was charged. Please try again shortly.",
    ),
    action: AGAIN,
    refresh: None,
};

/// The hold lapsed while the buyer was in the window, and the last piece went meanwhile.
pub const TOO_LATE: Notice = Notice {
    status: StatusCode::CONFLICT,
    title: ("아쉽게도 시간이 지났습니다", "The time to pay was over"),
    text: (
        "맡아 둔 시간이 지나 다른 분께 넘어갔습니다. 결제를 승인하지 않았으므로 청구되는 금액은 없습니다.",
        "The piece we kept for you went to somebody else after the time was over. The payment was not taken, so nothing is charged.",
    ),
    action: BACK,
    refresh: None,
};

/// The buyer cancelled in the window.
pub const CANCELLED: Notice = Notice {
    status: StatusCode::OK,
    title: ("결제를 취소하셨습니다", "You cancelled the payment"),
    text: (
        "맡아 두었던 한 점을 다시 진열했습니다. 결제된 금액은 없습니다.",
        "The piece is back on the shelf. Nothing was charged.",
    ),
    action: BACK,
    refresh: None,
};

/// The card was declined in the window.
pub const DECLINED: Notice = Notice {
    status: StatusCode::OK,
    title: ("카드사에서 거절했습니다", "The card company declined"),
    text: (
        "결제된 금액은 없습니다. 다른 카드로 다시 시도하실 수 있습니다.",
        "Nothing was charged. You can try again with another card.",
    ),
    action: AGAIN,
    refresh: None,
};

/// The window ended in some other way.
pub const NOT_PAID: Notice = Notice {
    status: StatusCode::OK,
    title: ("결제가 끝나지 않았습니다", "The payment was not completed"),
    text: (
        "결제된 금액은 없습니다. 다시 시도해 주세요.",
        "Nothing was charged. Please try again.",
    ),
    action: AGAIN,
    refresh: None,
};

/// The shop's database cannot be reached.
pub const TROUBLE: Notice = Notice {
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: ("잠시만 기다려 주세요", "One moment, please"),
    text: (
        "가게에 잠시 문제가 생겼습니다. 이미 하신 결제는 사라지지 않으니 곧 다시 열어 주세요.",
        "The shop has a moment's trouble. A payment you made is not lost; please reload shortly.",
    ),
    action: HOME,
    refresh: Some(20),
};
