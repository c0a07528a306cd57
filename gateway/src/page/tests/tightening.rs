//! The page's sources lose what separates nothing, and keep their sense.

use crate::page::tighten;

#[test]
fn a_style_keeps_what_separates() {
    assert_eq!(
        tighten::css("/* a */\na:hover > b { margin: 0 calc(1px - var(--x)) ; content: \" { \" }"),
        "a:hover>b{margin:0 calc(1px - var(--x));content:\" { \"}"
    );
}

#[test]
fn markup_keeps_the_quotes_it_needs() {
    assert_eq!(
        tighten::html("<p id=\"a\">\n\n  <b class=\"c d\">e</b>\n"),
        "<p id=a><b class=\"c d\">e</b>"
    );
}

#[test]
fn a_script_keeps_its_sense() {
    let cases = [
        // Own names get short, the most frequent first; properties, keys, strings and the browser's names stay.
        (
            "let left = 1; window.left = left + left;",
            "let a=1;window.left=a+a;",
        ),
        (
            "show({ left: left, b: 2 }, 'left')",
            "b({left:a,b:2},'left')",
        ),
        ("(one ? two : three)", "(a?c:b)"),
        ("call(...list)", "a(...b)"),
        ("wait(864e5, 9e9, .5)", "a(864e5,9e9,.5)"),
        ("new Map(Math.max(x, y))", "new Map(Math.max(a,b))"),
        // Declarations are joined where nothing stands between.
        ("const a = 1;\nconst b = 2;\nlet c;", "const a=1,b=2;let c;"),
        (
            "const a = () => {\n  const b = 1;\n  const c = 2;\n  go(a);\n};\nconst d = 3;",
            "const a=()=>{const b=1,c=2;e(a)},d=3;",
        ),
        ("const a = 1;\nconst [b, c] = a;", "const a=1,[b,c]=a;"),
        (
            "const a = 1; if (a) b(); const c = 2;",
            "const a=1;if(a)b();const c=2;",
        ),
        (
            "for (const a of b) c(a); const d = 1;",
            "for(const a of b)c(a);const d=1;",
        ),
        // Comments go, strings and signs stay.
        ("// why\ncall(\"x // y\", 1 + +two)", "a(\"x // y\",1+ +b)"),
        ("one = '\\' two';", "a='\\' two';"),
    ];
    for (source, tight) in cases {
        assert_eq!(tighten::js(source), tight, "{source}");
    }
}
