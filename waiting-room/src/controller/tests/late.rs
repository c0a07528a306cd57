//! What late comers take of a tick's budget.

use super::*;

/// Many who were passed over moments ago and are back do not stop the line.
#[test]
fn those_whose_turn_was_a_moment_ago_take_half_at_most() {
    let first = START.plus(TICK);
    let mut calls = step(&waiting(40), &rules(21, 1_000), first);
    assert_eq!(calls.line.horizon, number(21));
    calls.marks.gone = (0..20).map(number).collect();
    let scene = after(calls, 40, everybody(40), first);
    let calls = step(&scene, &rules(11, 1_000), first.plus(TICK));
    let late = (0..20).filter(|index| calls.marks.late.has(number(*index)));
    // One seat is taken. Of ten they have half by right, and one by the late lane's share.
    assert_eq!(late.count(), 6);
    assert_eq!(calls.line.horizon, number(25));
}
