extension RefusedScenario {
  static let all: [RefusedScenario] = files + headers + whens + expects + messages + values + facts

  static let files: [RefusedScenario] = [
    RefusedScenario("1:1: the file is empty", ""),
    RefusedScenario("1:1: this is no scenario", "topology x\n"),
  ]

  static let headers: [RefusedScenario] = [
    .header("3:1: unexpected `claus`", "claus 4.2"),
  ]
  static let whens: [RefusedScenario] = [
    .when("4:3: unknown action `powr`", "  powr on home-a.tv"),
  ]
  static let expects: [RefusedScenario] = [
    .expect("7:3: unknown word `optionl`", "  optionl\n    tv -> cfg register\n  end"),
  ]
  static let messages: [RefusedScenario] = []
  static let values: [RefusedScenario] = []
  static let facts: [RefusedScenario] = []
}
