//! navi: stack file ─▶ Stack ─▶ ResourceGraph ─▶ Observation ─▶ Plan ─▶ execution ─▶ State + Report.
