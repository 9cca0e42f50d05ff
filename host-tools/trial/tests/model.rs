//! The card beside its model, by any deeds.

use arbitrary::{Arbitrary, Unstructured};
use proptest::{collection::vec, prelude::*};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use trial::{
    deeds::{Deed, Object, Value},
    model::{Model, Place},
    watched::Watched,
};

/// A deed out of bytes, as fuzzers make it.
fn deed() -> impl Strategy<Value = Deed> {
    vec(any::<u8>(), 16).prop_map(|bytes| Deed::arbitrary(&mut Unstructured::new(&bytes)).expect("bytes enough"))
}

/// What is done with PINs, more often than by chance.
fn pin_deed() -> impl Strategy<Value = Deed> {
    use Object::{AuthenticationPin, SignaturePassword};
    let pairs = [
        (AuthenticationPin, Value::Pin),
        (AuthenticationPin, Value::OtherPin),
        (SignaturePassword, Value::Password),
        (SignaturePassword, Value::OtherPassword),
    ];
    (0..pairs.len(), any::<bool>()).prop_map(move |(pair, change)| {
        let (object, value) = pairs[pair];
        if change { Deed::Change(object, value) } else { Deed::Verify(object, value) }
    })
}

/// The model on its own: what is done is chosen without looking at the card.
#[derive(Debug, Clone)]
struct Shadow {
    model: Model,
    place: Place,
}

impl ReferenceStateMachine for Shadow {
    type State = Shadow;
    type Transition = Deed;

    fn init_state() -> BoxedStrategy<Shadow> {
        Just(Shadow { model: Model::default(), place: Place::START }).boxed()
    }

    fn transitions(shadow: &Shadow) -> BoxedStrategy<Deed> {
        // Elsewhere nothing has a PIN.
        let away = if shadow.place == Place::START { 6 } else { 1 };
        let select = Just(Deed::Select(trial::deeds::Name::Jpki, trial::deeds::Selection::First));
        // A cut has two outcomes, of which a model alone cannot know which.
        let known = deed().prop_filter("no cut", |deed| !matches!(deed, Deed::Cut(..)));
        prop_oneof![away => select, 6 => pin_deed(), 6 => known].boxed()
    }

    fn apply(mut shadow: Shadow, deed: &Deed) -> Shadow {
        let mut command = Vec::new();
        match deed {
            Deed::WarmReset => shadow.place.leave_file(),
            Deed::PowerCycle | Deed::Restart => {
                shadow.model.forget();
                shadow.place = Place::START;
            }
            deed if deed.command(&mut command) => {
                if let Some(expected) = shadow.model.expect(shadow.place, &command) {
                    shadow.place = expected.place;
                }
            }
            _ => {}
        }
        shadow
    }

    fn preconditions(shadow: &Shadow, deed: &Deed) -> bool {
        let mut command = Vec::new();
        !deed.command(&mut command) || shadow.model.clone().expect(shadow.place, &command).is_some()
    }
}

impl StateMachineTest for Shadow {
    type SystemUnderTest = Watched;
    type Reference = Shadow;

    fn init_test(_: &Shadow) -> Watched {
        Watched::small()
    }

    fn apply(mut watched: Watched, shadow: &Shadow, deed: Deed) -> Watched {
        deed.perform(&mut watched, &mut Vec::new());
        // What the watcher believes is what the model alone believes.
        assert_eq!(watched.model().pins(), shadow.model.pins());
        assert_eq!(watched.place(), shadow.place);
        watched
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn card_and_model_agree(sequential 1..40 => Shadow);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cut_anywhere_leaves_what_the_model_allows(deeds in vec(prop_oneof![pin_deed(), deed()], 1..40)) {
        thread_local!(static WATCHED: std::cell::RefCell<Watched> = Watched::small().into());
        WATCHED.with_borrow_mut(|watched| {
            watched.begin();
            let mut scratch = Vec::new();
            Deed::Select(trial::deeds::Name::Jpki, trial::deeds::Selection::First).perform(watched, &mut scratch);
            deeds.iter().for_each(|deed| deed.perform(watched, &mut scratch));
        });
    }
}
