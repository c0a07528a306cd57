//! The digest of the list, and the path from a ticket to it: the Merkle tree of RFC 6962, section 2.1.
//!
//! That tree splits at the largest power of two, which is the same as hashing neighbours level by level
//! and lifting an odd last one as it is. So a block of 32 leaves is a subtree of its own, and a gateway
//! keeps the levels from there up: 2 MB for a million tickets. The levels below are made again from the
//! tags when somebody asks for a path, which costs some 160 compressions of SHA-256.

use super::{Draw, Hash, Proof, Tag, TagMaker};

/// Leaves of a block, of whose nodes only the top is kept.
const BLOCK: u32 = 32;

/// The closed list of one draw.
#[derive(Clone, Debug)]
pub struct Tree {
    tags: TagMaker,
    count: u32,
    /// From the tops of the blocks to the root.
    pub(super) kept: Vec<Vec<Hash>>,
}

impl Tree {
    /// The tree over a list of `count` tickets. A million take about six million compressions, half a
    /// second of a processor: nothing for a thread that serves requests.
    #[must_use]
    pub fn build(tags: TagMaker, count: u32) -> Self {
        let kept = kept(count, |index| leaf(index, &tags.tag(index)));
        Self { tags, count, kept }
    }

    /// The digest of the list; that of no bytes at all if the list is empty.
    #[must_use]
    pub fn digest(&self) -> Hash {
        root(&self.kept)
    }

    /// How many tickets the list has.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// What the ticket at `index` may show the world: that it was in this list, and what it drew. `None`
    /// if the list or the draw has no such index.
    #[must_use]
    pub fn proof(&self, index: u32, draw: &Draw) -> Option<Proof> {
        let place = draw.place(index)?;
        Some(Proof {
            index,
            tag: self.tags.tag(index),
            path: self.path(index)?,
            place,
        })
    }

    /// The siblings on the way from the leaf to the root; `None` if the list has no such index.
    fn path(&self, index: u32) -> Option<Vec<Hash>> {
        if index >= self.count {
            return None;
        }
        let (block, within) = (index / BLOCK, index % BLOCK);
        let leaf = |index| leaf(index, &self.tags.tag(index));
        let mut path = siblings(&levels(leaves(block, self.count, leaf)), within);
        path.extend(siblings(&self.kept, block));
        Some(path)
    }
}

/// The digest of a list of `count` that is given as it is; `None` if it has another length.
pub(super) fn digest(tags: &[Tag], count: u32) -> Option<Hash> {
    let leaf = |index| leaf(index, &tags[index as usize]);
    (tags.len() == count as usize).then(|| root(&kept(count, leaf)))
}

impl Proof {
    /// Whether the path leads from this ticket to the digest of a list of `count`: the verification of
    /// RFC 9162, section 2.1.3.2.
    #[must_use]
    pub fn leads_to(&self, digest: &Hash, count: u32) -> bool {
        if self.index >= count {
            return false;
        }
        // The index of the node reached, and that of the last node on its level.
        let (mut at, mut last) = (self.index, count - 1);
        let mut reached = leaf(self.index, &self.tag);
        for sibling in &self.path {
            if last == 0 {
                return false;
            }
            if at % 2 == 1 || at == last {
                reached = node(sibling, &reached);
                // Levels on which an odd last node was only lifted.
                while at % 2 == 0 && at != 0 {
                    (at, last) = (at / 2, last / 2);
                }
            } else {
                reached = node(&reached, sibling);
            }
            (at, last) = (at / 2, last / 2);
        }
        last == 0 && reached == *digest
    }
}

fn leaf(index: u32, tag: &Tag) -> Hash {
    Hash::of([&[0], &index.to_be_bytes(), &tag.0])
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Hash::of([&[1], &left.0, &right.0])
}

fn leaves(block: u32, count: u32, leaf: impl Fn(u32) -> Hash) -> Vec<Hash> {
    let first = block * BLOCK;
    (first..first.saturating_add(BLOCK).min(count))
        .map(leaf)
        .collect()
}

fn kept(count: u32, leaf: impl Fn(u32) -> Hash) -> Vec<Vec<Hash>> {
    let top = |block| root(&levels(leaves(block, count, &leaf)));
    levels((0..count.div_ceil(BLOCK)).map(top).collect())
}

/// A level and all above it, up to a single node.
fn levels(bottom: Vec<Hash>) -> Vec<Vec<Hash>> {
    let mut levels = vec![bottom];
    while let Some(below) = levels.last().filter(|level| level.len() > 1) {
        let above = below.chunks(2).map(|pair| match pair {
            [left, right] => node(left, right),
            odd => odd[0],
        });
        let above = above.collect();
        levels.push(above);
    }
    levels
}

fn root(levels: &[Vec<Hash>]) -> Hash {
    let top = levels.last().and_then(|level| level.first());
    top.copied().unwrap_or_else(|| Hash::of([]))
}

fn siblings(levels: &[Vec<Hash>], mut at: u32) -> Vec<Hash> {
    let mut siblings = Vec::new();
    for level in levels {
        siblings.extend(level.get(at as usize ^ 1));
        at /= 2;
    }
    siblings
}
