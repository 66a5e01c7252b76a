import LanguageKit

/// One allowed combination of a scenario's options.
public struct Variant: Sendable, Hashable, CustomStringConvertible {
  public enum Choice: Sendable, Hashable {
    case isOn(Bool)
    /// One of the values of an option of values.
    case value(Value)

    /// `yes`, `no` or the value's text: what `--option` takes.
    public var text: String {
      switch self {
      case .isOn(let isOn): isOn ? "yes" : "no"
      case .value(let value): value.plainText
      }
    }
  }

  public struct Setting: Sendable, Hashable {
    public var option: String
    public var choice: Choice
    public init(option: String, choice: Choice) {
      self.option = option
      self.choice = choice
    }
  }

  public var scenario: String
  /// One for every option, in the order in which the file declares them.
  public var settings: [Setting]

  public init(scenario: String, settings: [Setting]) {
    self.scenario = scenario
    self.settings = settings
  }

  /// `upstream,!configure,nat=address-dependent`: what stands in the brackets.
  public var text: String {
    settings.map { setting in
      switch setting.choice {
      case .isOn(let isOn): (isOn ? "" : "!") + setting.option
      case .value(let value): "\(setting.option)=\(value.plainText)"
      }
    }.joined(separator: ",")
  }

  /// `new-device[upstream,!configure]`; the scenario's name alone where it has no options.
  public var name: String { settings.isEmpty ? scenario : "\(scenario)[\(text)]" }
  public var description: String { name }

  /// What every option is; `.bool` for yes and no.
  public var choices: [String: Value] {
    Dictionary(
      settings.map { setting in
        switch setting.choice {
        case .isOn(let isOn): (setting.option, .bool(isOn))
        case .value(let value): (setting.option, value)
        }
      }, uniquingKeysWith: { first, _ in first })
  }

  public subscript(option: String) -> Choice? { settings.first { $0.option == option }?.choice }

  /// True where there is no guard or all its tests hold.
  public func allows(_ guardian: Guard?) -> Bool {
    guardian?.tests.allSatisfy { test in
      switch test {
      case .option(let name, let isNegated): self[name] == .isOn(!isNegated)
      case .value(let name, let value, let isNegated): holds(name, value) != isNegated
      }
    } ?? true
  }

  private func holds(_ option: String, _ value: Value) -> Bool {
    switch self[option] {
    case .isOn(let isOn)?: value == .bool(isOn)
    case .value(let chosen)?: chosen.plainText == value.plainText
    case nil: false
    }
  }
}

/// The variants of a scenario: every combination of its options that `requires` allows.
public enum ScenarioVariants {
  /// No more variants than this.
  public static let limit = 256
  public static let optionLimit = 16

  /// - Returns: the variants, options on before off and values as written; `nil` where there are more than ``limit``.
  public static func all(of scenario: Scenario) -> [Variant]? {
    let header = scenario.header
    // Values take part in no `requires`, so that only the options of yes and no need a search.
    let plain = header.options.filter { $0.values == nil }.map(\.name)
    guard let combinations = combinations(of: plain, header.requirements) else { return nil }
    var variants: [[Variant.Setting]] = [[]]
    if header.options.contains(where: { $0.values != nil }) {
      var total = combinations.count
      for option in header.options {
        let (product, overflow) = total.multipliedReportingOverflow(by: option.values?.count ?? 1)
        guard !overflow, product <= limit else { return nil }
        total = product
      }
    }
    for option in header.options {
      variants = variants.flatMap { settings in
        choices(of: option).map { settings + [Variant.Setting(option: option.name, choice: $0)] }
      }.filter { settings in
        let isOn = Set(settings.filter { $0.choice == .isOn(true) }.map(\.option))
        let decided = settings.filter { if case .isOn = $0.choice { true } else { false } }.map(\.option)
        return combinations.contains { combination in
          decided.allSatisfy { combination.contains($0) == isOn.contains($0) }
        }
      }
    }
    return variants.map { Variant(scenario: scenario.name, settings: $0) }
  }

  /// The variants that `--option NAME=VALUE` leaves; options that the scenario lacks are passed over.
  public static func fixing(_ fixed: [String: String], in variants: [Variant]) -> [Variant] {
    variants.filter { variant in
      fixed.allSatisfy { option, text in
        switch variant[option] {
        case .isOn(let isOn)?: (isOn ? ["yes", "true", "on"] : ["no", "false", "off"]).contains(text)
        case .value(let value)?: value.plainText == text
        case nil: true
        }
      }
    }
  }

  private static func choices(of option: Option) -> [Variant.Choice] {
    option.values.map { $0.map { .value($0) } } ?? [.isOn(true), .isOn(false)]
  }

  /// Every allowed set of options that are on; `nil` where there are more than ``limit``.
  private static func combinations(of options: [String], _ requirements: [Requirement]) -> [Set<String>]? {
    guard options.count <= optionLimit else { return nil }
    // One bit an option; names that are no options of yes and no were told by the checker.
    let rules = requirements.compactMap { rule -> (premise: Int, conclusion: Int, isNegated: Bool)? in
      guard let premise = options.firstIndex(of: rule.premise), let conclusion = options.firstIndex(of: rule.conclusion)
      else { return nil }
      return (premise, conclusion, rule.isNegated)
    }
    var found: [Set<String>] = []
    for bits in 0..<(1 << options.count) {
      let isAllowed = rules.allSatisfy { rule in
        bits >> rule.premise & 1 == 0 || (bits >> rule.conclusion & 1 == 1) != rule.isNegated
      }
      guard isAllowed else { continue }
      found.append(Set(options.enumerated().filter { bits >> $0.offset & 1 == 1 }.map(\.element)))
      if found.count > limit { return nil }
    }
    return found
  }
}

extension Value {
  /// The value without quotes, as variants name it.
  public var plainText: String {
    if case .string(let text) = self { text } else { description }
  }
}
