//! Who is there and who is inside, as gateways write it down.

use std::time::Duration;

use super::{Rooms, number, trace};
use crate::{
    bits::{Bits, CHUNK_BYTES},
    presence::{ChunkWrite, Trace},
    store::GatewayId,
    value::Timestamp,
};

const KEEP: Duration = Duration::from_secs(60);

fn write(trace: Trace, epoch: u64, numbers: &[u64]) -> ChunkWrite {
    let bits: Bits = numbers.iter().copied().map(number).collect();
    let chunk = bits.chunks().next().expect("not empty");
    let bytes: [u8; CHUNK_BYTES] = bits.bytes(chunk);
    ChunkWrite {
        trace,
        epoch,
        chunk,
        bytes,
        until: Timestamp(epoch).plus(KEEP),
    }
}

pub(super) async fn traces_of_gateways_are_united(rooms: &dyn Rooms) {
    let store = rooms.open("traces");
    let (a, b) = (GatewayId(1), GatewayId(u64::MAX));
    let presence = [
        write(Trace::Presence, 8, &[1, 2]),
        write(Trace::Activity, 3, &[5]),
    ];
    store.flush(a, Timestamp(5), &presence).await.expect("a");
    store
        .flush(b, Timestamp(6), &[write(Trace::Presence, 8, &[2, 3])])
        .await
        .expect("b");
    store
        .flush(b, Timestamp(6), &[write(Trace::Activity, 5, &[6])])
        .await
        .expect("b");
    let seen = store.head().await.expect("head").gateways;
    let both = [(a, Timestamp(5)), (b, Timestamp(6))];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), both);
    assert_eq!(store.retire(a).await, Ok(()));
    let seen = store.head().await.expect("head").gateways;
    assert_eq!(seen.into_keys().collect::<Vec<_>>(), [b]);
    let epochs = [7, 8, 9].map(|epoch| (Trace::Presence, epoch));
    let presence = store.traces(&epochs).await.expect("traces");
    let both: Bits = [1, 2, 3].map(number).into_iter().collect();
    assert_eq!(presence, [Bits::new(), both, Bits::new()]);
    for (epoch, only) in [(3, 5), (5, 6)] {
        let only: Bits = [number(only)].into_iter().collect();
        assert_eq!(trace(&*store, (Trace::Activity, epoch)).await, only);
    }
}

pub(super) async fn epochs_of_visits_are_listed_until_they_are_forgotten(rooms: &dyn Rooms) {
    let store = rooms.open("visits");
    let longer = ChunkWrite {
        until: Timestamp(90_000),
        ..write(Trace::Activity, 5, &[2])
    };
    for (gateway, writes) in [
        (
            1,
            vec![write(Trace::Activity, 3, &[1]), write(Trace::Due, 4, &[1])],
        ),
        (2, vec![write(Trace::Presence, 8, &[2]), longer]),
    ] {
        let flushed = store.flush(GatewayId(gateway), Timestamp(2), &writes);
        assert_eq!(flushed.await, Ok(()));
    }
    let listed = store.head().await.expect("head").visits;
    let until = Timestamp(3).plus(KEEP);
    assert_eq!(listed, [(3, until), (5, Timestamp(90_000))].into());
    assert_eq!(store.forget_visits(&[3, 4]).await, Ok(()));
    assert_eq!(store.forget_visits(&[]).await, Ok(()));
    let listed = store.head().await.expect("head").visits;
    assert_eq!(listed, [(5, Timestamp(90_000))].into());
}

pub(super) async fn writing_a_trace_again_changes_nothing(rooms: &dyn Rooms) {
    let store = rooms.open("again");
    let writes = [
        write(Trace::Presence, 7, &[1]),
        write(Trace::Presence, 7, &[1, 4]),
    ];
    for _ in 0..2 {
        store
            .flush(GatewayId(1), Timestamp(7), &writes)
            .await
            .expect("flush");
    }
    assert_eq!(
        trace(&*store, (Trace::Presence, 7)).await,
        [1, 4].map(number).into_iter().collect::<Bits>()
    );
}

/// A gateway knows all of its own chunk: what it wrote before is not added to it.
pub(super) async fn a_chunk_takes_the_place_of_what_its_gateway_wrote_before(rooms: &dyn Rooms) {
    let store = rooms.open("rewritten");
    for numbers in [[1], [2]] {
        let writes = [write(Trace::Presence, 7, &numbers)];
        let flushed = store.flush(GatewayId(1), Timestamp(7), &writes);
        assert_eq!(flushed.await, Ok(()));
    }
    let kept = trace(&*store, (Trace::Presence, 7)).await;
    assert_eq!(kept, Bits::from_iter([number(2)]));
}
