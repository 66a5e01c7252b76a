import ScenarioLanguage

extension CheckedScenario {
  /// The variants that `--option NAME=VALUE` leaves; options that the scenario lacks are passed over.
  public func variants(fixing choices: [String: String]) -> [Variant] {
    ScenarioVariants.fixing(choices, in: variants)
  }
}
