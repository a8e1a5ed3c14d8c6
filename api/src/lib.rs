//! The SealedSecret API: types, scope rules, Secret to SealedSecret and back.
