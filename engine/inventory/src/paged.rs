//! An append-only list in pages: growing neither copies nor doubles what is there.

/// Elements of one page.
const PAGE: usize = 2_048;

/// An append-only list in pages.
#[derive(Clone, Debug)]
pub(crate) struct Paged<T> {
    pages: Vec<Vec<T>>,
}

impl<T: Copy> Paged<T> {
    pub(crate) const fn new() -> Self {
        Paged { pages: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        match self.pages.last() {
            Some(last) => (self.pages.len() - 1) * PAGE + last.len(),
            None => 0,
        }
    }

    /// Appends, and returns the position.
    pub(crate) fn push(&mut self, value: T) -> u32 {
        let position = u32::try_from(self.len()).unwrap_or(u32::MAX);
        assert!(position < u32::MAX, "a paged list is full");
        match self.pages.last_mut() {
            Some(last) if last.len() < PAGE => last.push(value),
            _ => {
                let mut page = Vec::with_capacity(PAGE);
                page.push(value);
                self.pages.push(page);
            }
        }
        position
    }

    #[inline]
    pub(crate) fn get(&self, position: u32) -> &T {
        let position = position as usize;
        &self.pages[position / PAGE][position % PAGE]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, position: u32) -> &mut T {
        let position = position as usize;
        &mut self.pages[position / PAGE][position % PAGE]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_survive_the_growth_over_pages() {
        let mut list = Paged::new();
        for value in 0..5_000_u32 {
            assert_eq!(list.push(value), value);
        }
        *list.get_mut(4_097) = 7;
        assert_eq!((list.len(), *list.get(0), *list.get(4_097), *list.get(4_999)), (5_000, 0, 7, 4_999));
        assert_eq!(list.iter().count(), 5_000);
    }
}
