//! What a line of a million costs: `cargo bench -p waiting-room`, or `cargo xtask bench room`.
//!
//! Both sides of a comparison run in this one process against one private Redis, and ratios are printed: absolute
//! times drift with the machine.

#![expect(clippy::print_stdout, reason = "the figures are for a person")]

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use devkit::{Redis as Server, RedisOptions};
use policies::{
    admission::{Admission, Spec},
    schedule::Schedule,
};
use tokio::task::JoinSet;
use waiting_room::{
    Driver, KeyId, Keyring, LineId, Moment, Number, Parts, Presented, Room, RoomName, Seal,
    Timestamp,
    bits::Bits,
    controller::{self, LotStep, Seen, TICK, Traces},
    line::{Line, Marks},
    orders::Orders,
    proof,
    snapshot::{Inside, Snapshot},
    standing::Standing,
    store::{GatewayId, RoomStore, redis::Redis},
    token::{Challenge, Ticket, Told},
};

const CROWD: u64 = 1_000_000;
const START: Timestamp = Timestamp(1_790_000_000_000);

#[tokio::main]
async fn main() {
    println!("a room of {CROWD} waiting visitors");
    pure();
    // Each has a server of its own: what one frees must not hide what the other takes.
    let [usual, server] =
        [(); 2].map(|()| Server::start(RedisOptions::default()).expect("a Redis"));
    let sorted_set = sorted_set(&usual);
    redis(&server, sorted_set).await;
}

fn rules() -> Admission {
    Admission::new(Spec {
        active: Some(2_000),
        per_minute: Some(6_000),
        ..Spec::default()
    })
    .expect("valid")
}

fn seal() -> Seal {
    let ring = Keyring::new(vec![(KeyId(1), vec![7; 32])]).expect("valid");
    ring.seal("acme", "sale")
}

fn ticket(number: u64) -> Ticket {
    Ticket {
        line: LineId(START.0),
        number: Number(START.0 + number),
        joined_at: START,
        told: Told::Wait {
            next_poll_at: START,
            shown_ahead: 7,
            shown_wait: 600_000,
        },
        secret: 9,
    }
}

/// The best of five runs of `times` calls, for one call.
fn time(name: &str, times: u32, mut call: impl FnMut(u32)) -> Duration {
    let best = (0..5)
        .map(|_| {
            let begun = Instant::now();
            (0..times).for_each(&mut call);
            begun.elapsed() / times
        })
        .min()
        .unwrap_or_default();
    println!("  {name:<44} {best:>12.2?}");
    best
}

fn pure() {
    let seal = seal();
    let token = seal.ticket(&ticket(5));
    time("verify a ticket", 100_000, |_| {
        black_box(seal.read_claimant(black_box(token.as_str()))).expect("ours");
    });
    time("sign a ticket", 100_000, |n| {
        black_box(seal.ticket(&ticket(u64::from(n))));
    });
    let challenge = seal.challenge(&Challenge {
        issued_at: START,
        nonce: 9,
        bits: 16,
    });
    time("verify a proof of work", 100_000, |n| {
        // As long as a counter gets; that it does not prove anything costs the same.
        let mut counter = [b'1'; 20];
        counter[0] = b'0' + (n % 10) as u8;
        let counter = std::str::from_utf8(&counter).expect("digits");
        let nonce = proof::nonce(black_box(challenge.as_str()));
        black_box(proof::proves(&nonce, counter, 16));
    });
    let all: Bits = (0..CROWD).map(|n| Number(START.0 + n)).collect();
    let next = Number(START.0 + CROWD);
    let line = Line::open(START, START.0);
    let picture = Snapshot::build(line, next, Marks::default(), START);
    let rules = rules();
    time("find a position in the line", 100_000, |n| {
        let place = u64::from(n).wrapping_mul(2_654_435_761) % CROWD;
        black_box(picture.place(&ticket(place), START, &rules));
    });
    // A third of them have gone, so that the horizon has to look.
    let expected: Bits = all.iter().filter(|n| n.0 % 3 != 0).collect();
    let traces = Traces {
        living: Some(all),
        expected,
        inside: Inside {
            active: (0..2_000).map(|n| Number(START.0 - n)).collect(),
            ended: Bits::new(),
        },
    };
    let standing = Standing::at(&rules, &Schedule::default(), &Orders::default(), START);
    let name = RoomName {
        tenant: "acme".into(),
        room: "sale".into(),
    };
    time("decide a tick, absence judged", 20, |_| {
        let seen = Seen {
            provisional: None,
            picture: &picture,
            traces: &traces,
            standing: &standing,
            orders: &Orders::default(),
            key: KeyId(1),
            name: &name,
            health: None,
            fleet: controller::Fleet::Whole,
            lot: &LotStep::None,
            next_lottery: None,
            beacon_name: None,
            burnt: None,
        };
        black_box(controller::step(&seen, START.plus(Duration::from_secs(46))));
    });
}

fn memory(server: &Server) -> u64 {
    let info = server.ask(&["INFO", "memory"]).expect("INFO");
    figure(info.text(), "used_memory:")
}

fn commands(server: &Server) -> u64 {
    let info = server.ask(&["INFO", "stats"]).expect("INFO");
    figure(info.text(), "total_commands_processed:")
}

fn figure(info: &str, name: &str) -> u64 {
    let line = info.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|text| text.trim().parse().ok())
        .expect("Redis says so")
}

/// What the usual waiting room keeps: a sorted set of visitors by arrival. Bytes.
fn sorted_set(server: &Server) -> u64 {
    let before = memory(server);
    let mut words = vec!["ZADD".to_owned(), "usual".to_owned()];
    for visitor in 0..CROWD {
        words.push((START.0 + visitor).to_string());
        // A UUID's text.
        words.push(format!(
            "{:08x}-0000-4000-8000-{visitor:012x}",
            visitor as u32
        ));
        if words.len() == 2_002 {
            let borrowed: Vec<&str> = words.iter().map(String::as_str).collect();
            server.ask(&borrowed).expect("ZADD");
            words.truncate(2);
        }
    }
    memory(server) - before
}

fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    Timestamp(u64::try_from(since.as_millis()).expect("before the end of time"))
}

async fn gateway(redis: &Redis, id: u64) -> (Room, Driver) {
    Room::new(Parts {
        name: RoomName {
            tenant: "acme".into(),
            room: "sale".into(),
        },
        rules: rules(),
        schedule: Schedule::default(),
        seal: seal(),
        store: Arc::new(redis.room("acme", "sale")) as Arc<dyn RoomStore>,
        gateway: GatewayId(id),
        share_store: None,
        gather: Duration::from_millis(4),
    })
}

/// A gateway's own driver, a quarter second a step.
fn drive(mut driver: Driver) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tick.tick().await;
            driver.step(now()).await;
        }
    })
}

async fn redis(server: &Server, sorted_set: u64) {
    let redis = Redis::new(&server.url()).expect("a URL");
    redis.connect();
    let empty = memory(server);
    let (one, driver) = gateway(&redis, 1).await;
    let driven = drive(driver);
    let (two, driver) = gateway(&redis, 2).await;
    let also = drive(driver);
    // Both have found their link to be good when seats are reserved for who comes next.
    while [&one, &two]
        .iter()
        .any(|room| room.gauges(now()).reserved == 0)
    {
        tokio::time::sleep(TICK).await;
    }
    // The one that did not tick first knows it with its next step.
    tokio::time::sleep(TICK * 2).await;
    let joined = join(&one).await;
    println!(
        "  {:<44} {joined:>10.0}/s",
        "join, challenge to ticket, one gateway"
    );
    let waiting = one.snapshot().map_or(0, |seen| seen.waiting_total());
    // As they were told to: most of a million poll every 30 to 34 s.
    let begun = (Instant::now(), commands(server));
    let seconds = 20;
    poll(&[one, two], seconds).await;
    let rate = (commands(server) - begun.1) as f64 / begun.0.elapsed().as_secs_f64();
    println!("  {:<44} {waiting:>12}", "waiting");
    println!(
        "  {:<44} {rate:>10.0}/s",
        "store commands, two gateways, all polling"
    );
    println!(
        "  {:<44} {:>10.0}/s ({:.0}x)",
        "the usual ZRANK and heartbeat a poll",
        2.0 * CROWD as f64 / 32.0,
        2.0 * CROWD as f64 / 32.0 / rate
    );
    let bytes = memory(server).saturating_sub(empty);
    println!(
        "  {:<44} {:>9.2} MB",
        "Redis memory of the room",
        bytes as f64 / 1e6
    );
    println!(
        "  {:<44} {:>9.2} MB ({:.0}x)",
        "the usual sorted set",
        sorted_set as f64 / 1e6,
        sorted_set as f64 / bytes as f64
    );
    driven.abort();
    also.abort();
}

/// So many join at once: a crowd that does not wait for one another, though joins of a few milliseconds share a round trip.
const AT_ONCE: u64 = 4_000;

/// Everybody arrives and comes back with the challenge. Tickets a second.
async fn join(room: &Room) -> f64 {
    let begun = Instant::now();
    let mut crowd = JoinSet::new();
    for part in 0..AT_ONCE {
        let room = room.clone();
        crowd.spawn(async move {
            for visitor in 0..CROWD / AT_ONCE {
                let entropy = (part * CROWD + visitor).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let at = Moment {
                    now: now(),
                    entropy,
                };
                let stranger = room.enter(Presented::default(), at).await;
                let waiting_room::Outcome::Held(held) = stranger else {
                    continue;
                };
                let waiting_room::TicketChange::Set(challenge) = held.ticket else {
                    continue;
                };
                let back = Presented {
                    ticket: Some(challenge.as_str()),
                    pass: None,
                };
                let _ = black_box(room.status(back, at).await);
            }
        });
    }
    while crowd.join_next().await.is_some() {}
    CROWD as f64 / begun.elapsed().as_secs_f64()
}

/// A thirty-second of the crowd polls every second, half at either gateway.
async fn poll(rooms: &[Room; 2], seconds: u64) {
    let seal = seal();
    let line = rooms[0].snapshot().expect("read").line.id;
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut visitor = 0;
    for _ in 0..seconds {
        second.tick().await;
        for _ in 0..CROWD / 32 {
            visitor = (visitor + 7_919) % CROWD;
            let held = seal.ticket(&Ticket {
                line,
                number: Number(line.0 + visitor),
                ..ticket(0)
            });
            let presented = Presented {
                ticket: Some(held.as_str()),
                pass: None,
            };
            let at = Moment {
                now: now(),
                entropy: visitor,
            };
            let _ = black_box(rooms[visitor as usize % 2].status(presented, at).await);
        }
    }
}
