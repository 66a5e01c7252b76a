import LanguageKit
import ScenarioLanguage
import Testing
import TopologyLanguage

@Suite struct ScenarioFileTests {
  @Test func theExampleOfTheReferenceIsInOrder() throws {
    let (checked, diagnostics) = Examples.read(Examples.newDevice, name: "new-device")
    #expect(diagnostics.map { $0.rendered() } == [])
    let scenario = try #require(checked)
    #expect(
      scenario.variants.map(\.description) == [
        "new-device[upstream,configure]", "new-device[upstream,!configure]", "new-device[!upstream,!configure]",
      ])
    #expect(scenario.topology.links.map(\.name) == ["hg.lan--sw1.1", "cfg--sw1.2", "tv--sw1.3"])
    let header = scenario.scenario.header
    #expect(
      header.clause == "4.2" && header.timeLimit == 10_000_000_000 && header.settle == 150_000_000 && header.pace == 1)
    #expect(scenario.scenario.phases.count == 1)
    guard case .expect(let patterns, let place)? = scenario.scenario.phases[0].blocks.first else {
      Issue.record("no expect")
      return
    }
    #expect(place.description == "scenarios/new-device.scenario:18:1")
    #expect(patterns.count == 7)
    guard case .step(6, nil, let guardian?, let lines, _) = patterns[5], case .message(let line) = lines[1] else {
      Issue.record("no step 6")
      return
    }
    #expect(guardian.tests == [.option("upstream", isNegated: false)])
    #expect(line.guardian?.tests == [.option("configure", isNegated: true)])
    #expect(line.arrow.selectors.map(\.test) == [.equal(.integer(404))])
    #expect(scenario.variants[1].allows(guardian) && !scenario.variants[2].allows(guardian))
  }

  @Test func aStepThatAGroupOfStepsFollowsEndsThere() throws {
    let (checked, _) = Examples.read(
      """
      scenario x
      topology one-home
      when
        power on tv
      expect
        step 1
          tv -> network discover
        in any order
          step 3
            tv -> cfg register
          step 2
            cfg -> tv discover-reply
        end
        optional
          cfg -> tv configure
        end
      """)
    guard case .expect(let patterns, _)? = try #require(checked).scenario.phases[0].blocks.first else {
      Issue.record("no expect")
      return
    }
    #expect(patterns.map { $0.members.count } == [1, 2, 1])
    guard case .step(1, _, _, _, _) = patterns[0], case .inAnyOrder(_, let steps, _) = patterns[1],
      case .optional = patterns[2]
    else {
      Issue.record("not a step, a group and a group")
      return
    }
    #expect(steps.map(\.position.line) == [9, 11])
  }

  @Test func variantsAreNamedAndFixed() throws {
    let (checked, _) = Examples.read(
      """
      scenario x
      topology one-home
      option a sets cfg server-registration
      option nat sets hg nat.mapping in [endpoint-independent, address-dependent]
      option b sets cfg configuration-pull
      requires a implies not b
      when
        power on tv
      """)
    let variants = try #require(checked).variants
    #expect(
      variants.map(\.name) == [
        "x[a,nat=endpoint-independent,!b]", "x[a,nat=address-dependent,!b]", "x[!a,nat=endpoint-independent,b]",
        "x[!a,nat=endpoint-independent,!b]", "x[!a,nat=address-dependent,b]", "x[!a,nat=address-dependent,!b]",
      ])
    let fixed = ScenarioVariants.fixing(["nat": "address-dependent", "a": "no", "elsewhere": "yes"], in: variants)
    #expect(fixed.map(\.text) == ["!a,nat=address-dependent,b", "!a,nat=address-dependent,!b"])
    #expect(ScenarioVariants.fixing(["a": "perhaps"], in: variants).isEmpty)
    #expect(variants[0]["b"] == .isOn(false) && variants[0].choices["nat"] == .natKind("endpoint-independent"))
  }

  @Test func variantsAreCountedUpToTheLimit() {
    let options = (1...8).map { "option o\($0) sets cfg server-registration\n" }.joined()
    let rest = "when\n  power on tv\n"
    #expect(Examples.read("scenario x\ntopology one-home\n" + options + rest).scenario?.variants.count == 256)
    let chain = (9...16).map { "option o\($0) sets cfg server-registration\nrequires o\($0) implies o1\n" }.joined()
    let all = "scenario x\ntopology one-home\n" + options + chain + rest
    #expect(Examples.read(all).diagnostics.map(\.message) == ["more than 256 variants"])
    // One option on at a time: many options, few variants.
    let pairs = (1...16).flatMap { a in (1...16).filter { $0 > a }.map { "requires o\(a) implies not o\($0)\n" } }
    let sixteen = (9...16).map { "option o\($0) sets cfg server-registration\n" }.joined()
    let few = "scenario x\ntopology one-home\n" + options + sixteen + pairs.joined() + rest
    #expect(Examples.read(few).scenario?.variants.count == 17)
  }

  @Test func topologiesAreLookedForUpwards() {
    #expect(
      ScenarioFile.topologyPaths(of: "a/b/x.scenario", topology: "t", workingDirectory: "/home/me") == [
        "a/b/topologies/t.topology", "a/topologies/t.topology", "topologies/t.topology",
        "/home/topologies/t.topology", "/topologies/t.topology",
      ])
    #expect(
      ScenarioFile.topologyPaths(of: "../x.scenario", topology: "t", workingDirectory: "/home/me") == [
        "../topologies/t.topology", "/home/topologies/t.topology", "/topologies/t.topology", "topologies/t.topology",
      ])
    #expect(
      ScenarioFile.topologyPaths(of: "/a/x.scenario", topology: "t") == [
        "/a/topologies/t.topology", "/topologies/t.topology", "topologies/t.topology",
      ])
    let files = [
      "s/deep/x.scenario": "scenario x\ntopology near\nwhen\n  power on a\n", "topologies/near.topology": "nonsense",
      "s/topologies/near.topology": "topology near\nnetwork n 10.0.0.0/8\nhost a on n\n",
    ]
    let found = ScenarioFile.read("s/deep/x.scenario", loader: SourceLoader(files: files))
    #expect(found.scenario?.topologyFile == "s/topologies/near.topology")
  }

  @Test func errorsOfTheTopologyAreToldToo() {
    let loader = SourceLoader(files: [
      "x.scenario": "scenario x\ntopology t\nwhen\n  power on nobody if b\n",
      "topologies/t.topology": "topology t\nend\n",
    ])
    let told = ScenarioFile.read("x.scenario", loader: loader).diagnostics.map(\.description)
    #expect(
      told == [
        "topologies/t.topology:2:1: error: nothing is open that `end` could close",
        "x.scenario:4:22: error: unknown option `b`",
      ])
    let missing = ScenarioFile.read("y.scenario", loader: loader).diagnostics.map(\.description)
    #expect(missing == ["y.scenario:1:1: error: no such file"])
  }

  @Test func manyErrorsAreToldAtOnceAndOnlyOnce() {
    let (checked, diagnostics) = Examples.read(
      """
      scenario x
      topology one-home
      option up sets cfg server-registraton
      option ~
      requires upp implies up
      given
        power on servr, hg
        server holds configuration for tv if up
          ntpServer "198.51.100.10"
      when
        power on tv if dwn
      expect
        step 1
          tv -> netwrk discover
        stp 2
          cfg -> tv discover-reply save configuratorId as $id, as $e
        step 3
          tv -> cfg registr with configuratorId = $id
          eithr
            cfg -> tv register-reply with status = "created"
          or
            cfg -> tv register-reply with statu = 201 and configuratorId = $id
          end
      then
        tv is upp
      """)
    #expect(checked == nil)
    #expect(
      diagnostics.map { "\($0.position.line):\($0.position.column): \($0.message)" } == [
        "3:20: a configurator has no setting `server-registraton`", "4:8: no statement has this character here",
        "5:10: unknown option `upp`", "7:12: unknown node `servr`", "8:3: `holds configuration` has no `end`",
        "9:15: unexpected `\"198.51.100.10\"`", "11:18: unknown option `dwn`", "14:11: unknown node `netwrk`",
        "15:3: unknown word `stp`", "16:61: unexpected `$e`", "18:15: unknown message `registr`",
        "19:5: unknown word `eithr`", "20:46: `status` is never `\"created\"`",
        "22:37: register-reply has no field `statu`",
        "25:9: unexpected `upp`",
      ])
  }

  @Test func nestingHasALimit() {
    func nested(_ depth: Int) -> String {
      "scenario x\ntopology one-home\nwhen\n  power on tv\nexpect\n" + String(repeating: "optional\n", count: depth)
        + "tv -> cfg register\n" + String(repeating: "end\n", count: depth)
    }
    #expect(Examples.read(nested(32)).diagnostics == [])
    #expect(
      Examples.read(nested(33)).diagnostics.map(\.description) == [
        "scenarios/x.scenario:38:1: error: groups nest too deep"
      ])
    let deep = Examples.read(nested(40_000)).diagnostics
    #expect(deep.first?.message == "groups nest too deep")
  }
}
