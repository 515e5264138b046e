//! A fact that is shown: a value that follows its signals, computed once per change. One memo of one
//! type carries the facts of all types, because each type of memo is two kilobytes of machine code.
//!
//! Made by `erased::memo`. Not here: anything that knows what is shown.

use leptos::prelude::*;
use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

/// A value that follows its signals. `Copy`, like the signals.
pub struct Fact<T> {
    memo: Memo<Shared>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Fact<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Fact<T> {}

impl<T: Comparable> Fact<T> {
    /// The fact that `read` finds; others hear only of real changes.
    pub(crate) fn new(read: Box<dyn Fn() -> T + Send + Sync>) -> Self {
        Self::reading(Box::new(move |_| Shared(Arc::new(read()))))
    }

    /// What `read` finds, and what it found last when it finds nothing any more; `first` before that.
    pub(crate) fn lasting(first: T, read: Box<dyn Fn() -> Option<T> + Send + Sync>) -> Self {
        let first = Shared(Arc::new(first));
        Self::reading(Box::new(move |last| match read() {
            Some(found) => Shared(Arc::new(found)),
            None => last.unwrap_or(&first).clone(),
        }))
    }

    fn reading(read: Read) -> Self {
        Self { memo: Memo::new(read), of: PhantomData }
    }

    /// Looks at the value, and follows it.
    pub fn with<U>(self, look: impl FnOnce(&T) -> U) -> U {
        look(self.memo.get().value())
    }

    /// Follows it, whatever it is.
    pub fn track(self) {
        self.memo.track();
    }

    /// Looks at the value, once.
    pub fn with_untracked<U>(self, look: impl FnOnce(&T) -> U) -> U {
        look(self.memo.get_untracked().value())
    }
}

impl<T: Comparable + Clone> Fact<T> {
    /// The value, followed.
    #[must_use]
    pub fn get(self) -> T {
        self.with(T::clone)
    }

    /// The value as it is now.
    #[must_use]
    pub fn get_untracked(self) -> T {
        self.with_untracked(T::clone)
    }
}

/// What can be a fact: it can be told whether it changed.
pub trait Comparable: Any + Send + Sync {
    /// True for the same value of the same type.
    fn is_same(&self, other: &dyn Any) -> bool;
}

impl<T: PartialEq + Send + Sync + 'static> Comparable for T {
    fn is_same(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<T>() == Some(self)
    }
}

/// A value of any type.
#[derive(Clone)]
struct Shared(Arc<dyn Comparable>);

impl Shared {
    fn value<T: 'static>(&self) -> &T {
        let value: &dyn Any = &*self.0;
        value.downcast_ref().expect("a fact keeps its type")
    }
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        (*self.0).is_same(&*other.0)
    }
}

/// Finds a value; is handed the last one.
type Read = Box<dyn Fn(Option<&Shared>) -> Shared + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn only_real_changes_are_heard_of() {
        static COUNTED: AtomicU32 = AtomicU32::new(0);
        Owner::new().with(|| {
            let number = RwSignal::new(1);
            let is_even = Fact::new(Box::new(move || number.get() % 2 == 0));
            let words = Fact::new(Box::new(move || {
                COUNTED.fetch_add(1, Ordering::Relaxed);
                if is_even.get() { "even".to_owned() } else { "odd".to_owned() }
            }));
            assert_eq!(words.get_untracked(), "odd");
            number.set(3);
            assert_eq!(words.with_untracked(String::len), 3);
            assert_eq!(COUNTED.load(Ordering::Relaxed), 1);
            number.set(4);
            assert_eq!((is_even.get_untracked(), words.get_untracked()), (true, "even".into()));
            assert_eq!(COUNTED.load(Ordering::Relaxed), 2);
        });
    }

    #[test]
    fn what_is_not_found_any_more_stays_as_it_was() {
        Owner::new().with(|| {
            let found = RwSignal::new(None);
            let lasting = Fact::lasting(1, Box::new(move || found.get()));
            assert_eq!(lasting.get_untracked(), 1);
            found.set(Some(2));
            assert_eq!(lasting.get_untracked(), 2);
            found.set(None);
            assert_eq!(lasting.get_untracked(), 2);
        });
    }
}
