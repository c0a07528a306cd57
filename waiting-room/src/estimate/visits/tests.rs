use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u32) -> Timestamp {
    Timestamp(1_790_000_000_000 + u64::from(seconds) * 1_000)
}

/// Seats that were all taken in the first second and are taken again at once; the stay of a number is `stay(number)`
/// seconds. After `seconds`, and how many were given back in each of the next two hundred.
fn room(seats: u64, seconds: u32, stay: impl Fn(u64) -> u32) -> (Visits, Vec<u32>) {
    let mut visits = Visits::default();
    let mut inside: Vec<(u64, u32)> = (0..seats).map(|number| (number, stay(number))).collect();
    let (mut next, mut before) = (seats, 0);
    let mut given_back = Vec::new();
    for second in 0..seconds + 200 {
        inside.retain(|(_, until)| *until > second);
        let left = seats - inside.len() as u64;
        if second >= seconds {
            given_back.push(left as u32);
        } else {
            let held: Bits = inside.iter().map(|(number, _)| Number(*number)).collect();
            visits.learn(&held, SECOND, at(second));
        }
        inside.extend((next..next + left).map(|number| (number, second + stay(number))));
        next += left;
        if second < seconds {
            let held: Bits = inside.iter().map(|(number, _)| Number(*number)).collect();
            visits.regroup(Number(before)..Number(next), &held, at(second));
            before = next;
        }
    }
    (visits, given_back)
}

/// How far off it is, in the mean and as a part of the wait, when so many will have been given back.
fn error(to_come: &ToCome, given_back: &[u32]) -> f64 {
    let (mut sum, mut off, mut times) = (0.0, 0.0, 0.0);
    for (second, left) in given_back.iter().enumerate() {
        sum += f64::from(*left);
        if second >= 9 && *left > 0 {
            let wait = second as f64 + 1.0;
            off += (to_come.seconds(sum) - wait).abs() / wait;
            times += 1.0;
        }
    }
    off / times
}

/// Evenly from 60 to 180 seconds.
fn alike(number: u64) -> u32 {
    60 + (number * 7_919 % 120) as u32
}

#[test]
fn a_room_that_filled_at_once_gives_its_seats_back_in_waves() {
    for (seconds, most) in [(110, 0.12), (150, 0.08), (185, 0.06), (300, 0.06)] {
        let (visits, given_back) = room(1_200, seconds, alike);
        let to_come = visits.to_come(1_200.0, 1.0 / 120.0, at(seconds));
        let error = error(&to_come, &given_back);
        assert!(error < most, "after {seconds} s: {error}");
    }
}

#[test]
fn where_each_visit_may_end_at_any_moment_there_are_none() {
    let stay = |number: u64| {
        let part = (number * 7_919 % 1_000) as f64 / 1_000.0 + 0.000_5;
        (-part.ln() * 60.0).ceil() as u32
    };
    let (visits, _) = room(1_000, 600, stay);
    let to_come = visits.to_come(1_000.0, 1.0 / 60.0, at(600));
    for count in [200.0, 500.0, 1_500.0, 20_000.0] {
        let told = to_come.seconds(count) / (count * 0.06);
        assert!((0.93..1.07).contains(&told), "{count}: {told}");
    }
}

#[test]
fn nothing_seen_is_one_rate_for_all() {
    let to_come = Visits::default().to_come(100.0, 0.01, at(0));
    for count in [1.0, 60.0, 500.0, 5_000.0] {
        let told = to_come.seconds(count) / count;
        assert!((told - 1.0).abs() < 0.01, "{count}: {told}");
    }
}

#[test]
fn parties_are_few_and_hold_everybody() {
    let (visits, _) = room(500, 1_200, |number| 30 + (number * 31 % 1_500) as u32);
    assert!(visits.parties.len() <= MOST_PARTIES);
    let inside: u32 = visits.parties.iter().map(|party| party.inside).sum();
    assert_eq!(inside, 500);
    let oldest = visits.parties[0].age(at(1_200));
    assert!(oldest > 600.0, "{oldest}");
}
