//! Limits that rooms have in common, of whichever tenants.

use policies::admission::share::SharingSpec;
use policies::diagnostic::{Complaint, Diagnostics, Place};
use policies::document::{Entries, Said};
use policies::name::Name;
use serde::Deserialize;

use super::tenant::Tenant;

/// What the rooms of a share have together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    name: Name,
    place: Place,
    active: Option<u32>,
    per_minute: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShareDocument {
    active: Option<Said<u32>>,
    per_minute: Option<Said<u32>>,
}

/// A room's part in one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartDocument {
    of: Said<Name>,
    weight: Option<Said<u32>>,
    #[serde(default)]
    floor: FloorDocument,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FloorDocument {
    active: Option<Said<u32>>,
    per_minute: Option<Said<u32>>,
}

pub(super) fn compile(said: Entries<Name, ShareDocument>, told: &mut Diagnostics) -> Vec<Share> {
    let mut shares = Vec::with_capacity(said.0.len());
    for (name, document) in said.0 {
        let place = name.place();
        let name = name.take(told);
        let mut number = |said: Option<Said<u32>>| said.and_then(|said| said.take(told));
        let (active, per_minute) = (number(document.active), number(document.per_minute));
        if let Some(name) = name {
            shares.push(Share {
                name,
                place,
                active,
                per_minute,
            });
        }
    }
    shares
}

impl PartDocument {
    /// The share's name and the room's part in it.
    pub(super) fn compile(
        self,
        shares: &[Share],
        told: &mut Diagnostics,
    ) -> Option<(Name, SharingSpec)> {
        let place = self.of.place();
        let of = self.of.take(told)?;
        let mut number = |said: Option<Said<u32>>| said.and_then(|said| said.take(told));
        let weight = number(self.weight).unwrap_or(1);
        let floor_active = number(self.floor.active);
        let floor_per_minute = number(self.floor.per_minute);
        let Some(share) = shares.iter().find(|share| share.name == of) else {
            let known = shares.iter().map(|share| share.name.as_str());
            told.push(Complaint::unknown("share", of.as_str(), known).at(place));
            return None;
        };
        let spec = SharingSpec {
            active: share.active,
            per_minute: share.per_minute,
            weight,
            floor_active,
            floor_per_minute,
        };
        Some((of, spec))
    }
}

/// Tells every room what is kept for all rooms of its share; complains of a share that would have to keep more than
/// it has, or that nobody is in.
pub(super) fn add_up(shares: &[Share], tenants: &mut [Tenant], told: &mut Diagnostics) {
    for share in shares {
        let rooms = || {
            let rooms = tenants.iter().flat_map(|tenant| &tenant.rooms);
            rooms.filter(|room| room.share.as_ref() == Some(&share.name))
        };
        let floors = rooms().filter_map(|room| Some(room.admission.sharing()?.floor()));
        let floors = floors.fold([0_u32; 2], |sum, floor| {
            std::array::from_fn(|kind| sum[kind].saturating_add(floor[kind]))
        });
        let name = &share.name;
        let count = u32::try_from(rooms().count()).unwrap_or(u32::MAX);
        if count == 0 {
            told.push(Complaint::new(format!("no room is in the share `{name}`")).at(share.place));
        }
        let kinds = [("active", share.active), ("per_minute", share.per_minute)];
        for ((kind, total), floors) in kinds.into_iter().zip(floors) {
            if total.is_some_and(|total| count > total) {
                let text = format!("`{name}` has less `{kind}` than rooms");
                told.push(Complaint::new(text).at(share.place));
            }
            if total.is_some_and(|total| floors > total) {
                let text = format!("`{name}` keeps {floors} for its rooms and has less `{kind}`");
                let hint = "the rooms' floors must fit into the share together";
                told.push(Complaint::new(text).hint(hint).at(share.place));
            }
        }
        let rooms = tenants.iter_mut().flat_map(|tenant| &mut tenant.rooms);
        for room in rooms.filter(|room| room.share.as_ref() == Some(&share.name)) {
            room.admission = room.admission.among(count, floors);
        }
    }
}
