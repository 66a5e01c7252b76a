extension RefusedScenario {
  static let all: [RefusedScenario] = files + headers + options + whens + expects + messages + values + facts

  static let files: [RefusedScenario] = [
    RefusedScenario("1:1: the file is empty", ""),
    RefusedScenario("1:1: the file is empty", "# nothing\n\n"),
    RefusedScenario("1:1: this is no scenario", "topology one-home\nnetwork lan 10.0.0.0/8\n"),
    RefusedScenario("1:10: the scenario is called `y`, its file `x`", good(name: "y")),
    RefusedScenario("1:10: `Big` is not a name", good(name: "Big")),
    RefusedScenario("1:10: `end` is a reserved word", good(name: "end")),
    RefusedScenario("1:12: unexpected `extra`", good(name: "x extra")),
    RefusedScenario("2:10: there is no topology `nowhere`", good(topology: "nowhere")),
    RefusedScenario("1:10: the scenario names no topology", "scenario x\nwhen\n  power on tv\n"),
    RefusedScenario("3:1: the scenario has no `when`", "scenario x\ntopology one-home\n\n"),
    RefusedScenario("2:19: the scenario has no `when`", "scenario x\ntopology  one-home"),
    RefusedScenario("3:1: `expect` before `when`", "scenario x\ntopology one-home\nexpect\n  tv -> cfg register\n"),
    RefusedScenario(
      "5:1: `given` stands too late", "scenario x\ntopology one-home\nwhen\n  power on tv\ngiven\n  power on cfg\n"),
    RefusedScenario(
      "4:1: a second `given`", "scenario x\ntopology one-home\ngiven\ngiven\nwhen\n  power on tv\n"),
    RefusedScenario(
      "7:1: `expect` after `then`",
      "scenario x\ntopology one-home\nwhen\n  power on tv\nthen\n  tv is up\nexpect\n  tv -> cfg register\n"),
    RefusedScenario("3:1: an empty `when`", "scenario x\ntopology one-home\nwhen\nexpect\n  tv -> cfg register\n"),
    RefusedScenario("5:1: an empty `expect`", "scenario x\ntopology one-home\nwhen\n  power on tv\nexpect\n"),
    RefusedScenario("5:1: an empty `then`", "scenario x\ntopology one-home\nwhen\n  power on tv\nthen\n"),
    RefusedScenario("3:6: unexpected `tv`", "scenario x\ntopology one-home\nwhen tv\n  power on tv\n"),
    RefusedScenario(
      "5:1: unknown word `expct`", "scenario x\ntopology one-home\nwhen\n  power on tv\nexpct\n  tv -> cfg register\n"),
    RefusedScenario(
      "4:14: `\\` on the last line joins nothing", "scenario x\ntopology one-home\nwhen\n  power on tv\\"),
  ]

  static func good(name: String = "x", topology: String = "one-home") -> String {
    "scenario \(name)\ntopology \(topology)\nwhen\n  power on tv\n"
  }

  static let headers: [RefusedScenario] = [
    .header("3:1: unexpected `claus`", "claus 4.2"),
    .header("3:8: unexpected `two`", "clause two"),
    .header("3:12: unexpected `fig`", "clause 4.2 fig 1"),
    .header("3:19: figure 2 does not show clause 4.2", "clause 4.2 figure 2"),
    .header("4:1: a second `clause`", "clause 4.2\nclause 4.3"),
    .header("3:1: a second `topology`", "topology one-home"),
    .header("3:9: 11 is out of range", "profile 11"),
    .header("3:12: a duration of zero", "time limit 0s"),
    .header("3:12: unexpected `10`", "time limit 10"),
    .header("3:8: unexpected `1000`", "settle 1000"),
    .header("3:6: 0 is out of range", "pace 0"),
    .header("3:8: unexpected `yes`", "strict yes"),
    .header("3:8: `Big` is not a name", "tags a,Big"),
    .header("3:7: unexpected the end of the line", "tags  "),
    .header("6:1: `settle` stands too late", "when\n  power on tv\nexpect\nsettle 1s"),
  ]

  static let options: [RefusedScenario] = [
    .header("3:8: `any` is a reserved word", "option any"),
    .header("3:8: `Up` is not a name", "option Up"),
    .header("4:8: a second option `a`", "option a sets cfg server-registration\noption a sets cfg configuration-pull"),
    .header("3:15: unknown node `cgf`", "option a sets cgf server-registration"),
    .header("3:19: a configurator has no setting `server-registratoin`", "option a sets cfg server-registratoin"),
    .header("3:18: a ce has no setting `server-registration`", "option a sets tv server-registration"),
    .header("3:18: `nat.mapping` is not true or false", "option a sets hg nat.mapping"),
    .header("3:33: `7` is no value of `nat.mapping`", "option a sets hg nat.mapping in [7]"),
    .header("3:18: `tv` has no application `radio`", "option a sets tv application.radio.enabled"),
    .header("4:10: unknown option `b`", "option a sets cfg server-registration\nrequires b implies a"),
    .header("4:24: unknown option `b`", "option a sets cfg server-registration\nrequires a implies not b"),
    .header(
      "4:20: `n` is an option of values",
      "option n sets hg nat.mapping in [address-dependent]\nrequires a implies n\noption a sets cfg server-registration"
    ),
    .header(
      "19:1: more than 16 options",
      (1...17).map { "option o\($0) sets cfg server-registration" }.joined(separator: "\n")),
    .header(
      "11:1: more than 256 variants",
      (1...9).map { "option o\($0) sets cfg server-registration" }.joined(separator: "\n")),
    .header(
      "3:39: `address-dependent` is in the list twice",
      "option n sets hg nat.mapping      in  [address-dependent, address-dependent]"),
  ]

  static let whens: [RefusedScenario] = [
    .when("5:3: nothing is open that `end` could close", "  power on phone\n  end"),
    .when("4:3: unknown action `powr`", "  powr on home-a.tv"),
    .when("4:9: unexpected `up`", "  power up home-a.tv"),
    .when("4:12: unknown node `hgc`", "  power on hgc"),
    .when("4:12: `tv` is more than one node", "  power on tv"),
    .when("4:12: `home-a` is a home", "  power on home-a"),
    .when("4:12: `sw1.2` is a port", "  power on sw1.2"),
    .when("4:12: home `home-a` has no node `lamp`", "  power on home-a.lamp"),
    .when("4:18: unexpected `cfga`", "  power on phone cfga"),
    .when("4:3: `drop` befalls a message", "  drop"),
    .when("4:3: `hold` befalls a message", "  hold 2s"),
    .when("4:36: unknown action `dorp`", "  at home-a.tv -> cfga register do dorp"),
    .when("4:36: `duplicate` of a message over TCP", "  at home-a.tv -> cfga register do duplicate"),
    .when("4:41: a duration of zero", "  at home-a.tv -> cfga register do hold 0s"),
    .when("4:24: no register goes from a configurator to a ce", "  at cfga -> home-a.tv register do drop"),
    .when("4:37: `at` within `at`", "  at home-a.tv -> cfga register  do at phone -> server connect do drop"),
    .when("4:10: there is no link `home-a.tv -- sw1.7`", "  unplug home-a.tv -- sw1.7"),
    .when("4:10: `sw1.2` is a port", "  unplug sw1.2"),
    .when("4:24: `sw1` has no port 9", "  unplug home-a.tv --  sw1.9"),
    .when("4:11: there is no link `home-a.tv -- home-b.tv`", "  degrade home-a.tv -- home-b.tv delay 1ms"),
    .when("4:37: unexpected the end of the line", "  degrade home-a.tv -- sw1.3 towards"),
    .when("4:29: unexpected the end of the line", "  degrade home-a.tv -- sw1.3"),
    .when("4:39: `phone` is no end of the link", "  degrade home-a.tv -- sw1.3 towards  phone delay 1ms"),
    .when("4:3: a second `delay`", "  degrade home-a.tv -- sw1.3 delay 1ms delay 2ms"),
    .when("4:36: more than all", "  degrade home-a.tv -- sw1.3 loss  101%"),
    .when("4:21: `sw2` is a switch", "  move home-a.tv to sw2"),
    .when("4:14: `phone` is a mobile", "  cut wan of phone"),
    .when("4:13: 0 is out of range", "  block tcp 0 at phone"),
    .when("4:17: unexpected `on`", "  block tcp 80  on phone"),
    .when("4:20: `home-a.tv` has no application `radio`", "  stop application radio on home-a.tv"),
    .when("4:17: a ce has no setting `register-lifetme`", "  set home-a.tv register-lifetme = 60"),
    .when("4:37: `true` is no value of `register-lifetime`", "  set home-a.tv register-lifetime = true"),
    .when("4:3: `server` is a service-server", "  server connects to home-a.tv media"),
    .when("4:9: unexpected `conects`", "  phone conects to home-a.tv media"),
    .when("4:42: unexpected `tokn`", "  phone connects to home-a.tv media with tokn \"x\""),
    .when("4:20: unexpected `reachable`", "  operator checks  reachable of home-a.tv"),
    .when("4:37: `phone` is a mobile", "  operator checks reachability of   phone"),
    .when("4:27: unexpected `ftp`", "  send attacker -> server ftp \"x\""),
    .when("4:31: unexpected the end of the line", "  send attacker -> server http"),
    .when("4:36: not octets in hexadecimal", "  send attacker -> server http hex \"0\""),
    .when("4:3: TCP reaches no `network`", "  send attacker -> network http \"x\""),
    .when("4:15: `ap1` is an access-point", "  run \"ls\" on ap1"),
    .when("4:8: a duration of zero", "  wait 0s"),
    .when("4:8: unexpected `5`", "  wait 5"),
    .when("4:3: a message is no action", "  home-a.tv -> cfga register"),
    .when(
      "4:3: `holds configuration` has no `end`", "  server holds configuration for home-a.tv\n    ntpServer = \"x\"\n"),
    .when("4:34: `cfga` is a configurator", "  server holds configuration for cfga\n  end"),
    .when("5:15: unexpected `\"x\"`", "  server holds configuration for home-a.tv\n    ntpServer \"x\"\n  end"),
    .when("4:21: unknown option `b`", "  power on phone if b"),
  ]

  static let expects: [RefusedScenario] = [
    .expect("7:3: unknown word `optionl`", "  optionl\n    tv -> cfg register\n  end"),
    .expect("7:3: `power` is an action", "  power on tv"),
    .expect("7:3: `settle` stands too late", "  settle 1s"),
    .expect("8:3: nothing is open that `end` could close", "  tv -> cfg register\n  end"),
    .expect("8:3: `or` outside `either`", "  tv -> cfg register\n  or\n  tv -> cfg register"),
    .expect("7:3: `optional` has no `end`", "  optional\n    tv -> cfg register"),
    .expect("7:3: `in any order` has no `end`", "  in any order\n    tv -> cfg register\nthen\n  tv is up"),
    .expect("7:3: `never` is empty", "  never\n  end"),
    .expect("7:3: `either` has no `or`", "  either\n    tv -> cfg register\n  end"),
    .expect("7:6: unexpected `order`", "  in order\n    tv -> cfg register\n  end"),
    .expect("7:15: 1 is out of range", "  repeat 2 to 1\n    tv -> cfg register\n  end"),
    .expect("7:7: unexpected `d`", "  for d in tv\n    tv -> cfg register\n  end"),
    .expect("7:17: `for` takes no guard", "  for $d in tv  if a\n    $d -> cfg register\n  end"),
    .expect("8:5: a step in this group", "  optional\n    step 1\n    tv -> cfg register\n  end"),
    .expect("9:3: a second step 1", "  step 1\n  tv -> cfg register\n  step 1\n  cfg -> tv register-reply"),
    .expect("9:3: step 1 after step 2", "  step 2\n  tv -> cfg register\n  step 1\n  cfg -> tv register-reply"),
    .expect("7:8: unexpected `one`", "  step one\n  tv -> cfg register"),
    .expect("7:8: 0 is out of range", "  step 0\n  tv -> cfg register"),
    RefusedScenario(
      "7:3: clause 4.6.4 has no step 5",
      "scenario x\nclause 4.6.4\ntopology one-home\nwhen\n  power on tv\nexpect\n  step 5\n  tv -> cfg register\n"),
    .expect("7:15: unknown option `b`", "  optional if b\n    tv -> cfg register\n  end"),
    .expect("8:5: unknown node `lamp1`", "  for $d in tv\n    lamp1 -> cfg register\n  end"),
    .expect("8:5: `$e` was not saved", "  for $d in tv\n    $e -> cfg register\n  end"),
    .expect("7:8: unexpected `util`", "  wait util tv is up"),
  ]

  static let messages: [RefusedScenario] = [
    .expect("7:6: unexpected `<`", "  tv <- cfg register"),
    .expect("7:3: `network` sends nothing", "  network -> tv register"),
    .expect("7:13: unknown message `registre`", "  tv -> cfg registre"),
    .expect("7:13: no configure goes from a ce to a configurator", "  tv -> cfg configure"),
    .expect("7:17: no register goes from a ce to the network", "  tv -> network register"),
    .expect("7:19: no provision-home goes from the operator to a configurator", "  operator -> cfg provision-home"),
    .expect("7:28: register has no field `lifetim`", "  tv -> cfg register where lifetim = 60"),
    .expect("7:28: register has no field `device.name`", "  tv -> cfg register where device.name = \"x\""),
    .expect("7:37: unexpected `is`", "  tv -> cfg register where lifetime is 60"),
    .expect("7:38: unexpected `=`", "  tv -> cfg register where lifetime == 60"),
    .expect("7:41: `where` stands too late or twice", "  tv -> cfg register with lifetime = 60 where lifetime = 60"),
    .expect("7:41: `within` stands too late or twice", "  tv -> cfg register save agentId as $x within 1s"),
    .expect("7:29: a duration of zero", "  tv -> cfg register within 0s"),
    .expect("7:41: there is no step 3 before this line", "  tv -> cfg register within 10s of step 3"),
    .expect("7:38: unexpected `id`", "  tv -> cfg register save agentId as id"),
    .expect("7:36: register has no field `agent`", "  tv -> cfg register save agent as $x"),
    .expect("7:37: `$x` was not saved", "  tv -> cfg register with agentId = $x"),
    .expect(
      "8:43: `$x` is saved under a guard and used outside of it",
      "  tv -> cfg register save agentId as $x if a\n  cfg -> tv register-reply with agentId = $x"),
    .expect("7:22: unexpected `when`", "  tv -> cfg register when"),
    .expect("7:31: `not` and a comparison", "  tv -> cfg register if not a = true"),
    .expect("7:25: `a` is yes or no", "  tv -> cfg register if a = 3"),
    .expect("7:16: unknown node `lamp`", "  home-a.tv -> lamp register"),
  ]

  static let values: [RefusedScenario] = [
    .expect("7:38: `lifetime` is never `\"long\"`", "  tv -> cfg register with lifetime = \"long\""),
    .expect("7:38: `lifetime` is never `1.5`", "  tv -> cfg register with lifetime = 1.5"),
    .expect("7:37: `reason` is never `\"refesh\"`", "  tv -> cfg register where reason = \"refesh\""),
    .expect("7:37: `agentId` is never `\"tv\"`", "  tv -> cfg register with agentId = \"tv\""),
    .expect("7:37: `agentId` is never `02:00:00:00:00:21`", "  tv -> cfg register with agentId = tv.mac"),
    .expect(
      "7:54: `interfaces[0].macAddress` is never `192.168.10.21`",
      "  tv -> cfg register with interfaces[0].macAddress = tv.address"),
    .expect("7:42: `interfaces` is never `1`", "  tv -> cfg register with   interfaces = 1"),
    .expect("7:44: `lifetime` is never one of these", "  tv -> cfg register with lifetime    in   [\"a\", \"b\"]"),
    .expect("7:46: `lifetime` contains nothing", "  tv -> cfg register with lifetime contains  6"),
    .expect("7:44: `lifetime` is never less or more than `true`", "  tv -> cfg register with lifetime    >=   true"),
    .expect(
      "7:45: the conditions on `lifetime` exclude each other",
      "  tv -> cfg register with lifetime > 60 and lifetime < 50"),
    .expect(
      "7:45: the conditions on `lifetime` exclude each other",
      "  tv -> cfg register with lifetime = 60 and lifetime = 61"),
    .expect("7:37: `tv` is a ce", "  tv -> cfg register with agentId = tv"),
    .expect("7:37: `tv` has no `idd`", "  tv -> cfg register with agentId = tv.idd"),
    .expect("7:37: `tv` has no `wan-address`", "  tv -> cfg register with agentId = tv.wan-address"),
    .expect("7:37: `Tv` is no value", "  tv -> cfg register with agentId = Tv"),
    .expect("7:37: the string is not closed", "  tv -> cfg register with agentId = \"Tv"),
    .expect(
      "7:39: this escape is unknown; a string has \\\" \\\\ \\n \\r \\t and \\u{1F600}",
      "  tv -> cfg register with agentId = \"T\\v\""),
    .expect("7:37: not an address", "  tv -> cfg register with agentId = 300.1.1.1"),
    .expect("7:37: too large a number", "  tv -> cfg register with lifetime= 99999999999999999999"),
    .expect("7:37: unexpected the end of the line", "  tv -> cfg register with lifetime ="),
  ]

  static let facts: [RefusedScenario] = [
    .then("6:6: unexpected `ready`", "  tv ready"),
    .then("6:9: unexpected `down`", "  tv is down"),
    .then("6:3: `cfg` is a configurator", "  cfg configuration ntpServer = \"x\""),
    .then("6:3: no device shows the problem `no-configuratr`", "  tv problem = \"no-configuratr\""),
    .then("6:24: `state` is never `\"configurd\"`", "  cfg agent tv state = \"configurd\""),
    .then("6:16: an agent's record has no field `stat`", "  cfg agent tv stat = \"configured\""),
    .then("6:13: `hg` is a home-gateway", "  cfg agent hg exists"),
    .then("6:19: `cfg` is a configurator", "  cfg knows tv at cfg"),
    .then("6:22: `sw1` has no port 9", "  cfg knows tv at    sw1.9"),
    .then("6:22: a duration of zero", "  not tv is up for   0s"),
    .then("6:15: a result has no field `fualt`", "  last result fualt = \"none\""),
    .then("6:23: `fault` is never `\"non\"`", "  last result fault = \"non\""),
    .then("6:29: `status` is never `\"ok\"`", "  phone connection status = \"ok\""),
    .then("6:3: `sw1` is a switch", "  sw1 connection status = 200"),
    .then("6:29: not a regular expression", "  tv run output matches     \"[\""),
  ]
}
