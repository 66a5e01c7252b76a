import Messages
import RoleKit

/// 4.6.2: a misconfigured device shows its user what is wrong. Each change is also a log line.
extension CEAgent {
  mutating func show(_ name: DeviceProblem, _ detail: String, at now: Moment) -> [Effect] {
    let trouble = Troubles.Trouble(name: name, since: now.wall, detail: detail, advice: name.advice)
    guard troubles.show(trouble) else { return [] }
    return [.report(Report(.warning, "problem-shown", "\(name.rawValue): \(detail)"))]
  }

  mutating func withdraw(_ name: DeviceProblem) -> [Effect] {
    guard troubles.withdraw(name) else { return [] }
    return [.report(Report(.notice, "problem-gone", name.rawValue))]
  }

  /// `state` of `GET /status`. Any problem outranks what the agent is at.
  var stateWord: String {
    if !troubles.list.isEmpty { return "problem" }
    switch phase {
    case .dormant, .offline, .settling: return "starting"
    case .searching, .registering, .refused: return "searching"
    case .registered, .refreshing, .leaving, .stopped: return "registered"
    }
  }

  /// The body of `GET /status` (profile section 8), with members beyond the profile's that a reader may ignore.
  var status: JSONValue {
    let problems = troubles.list.map { trouble -> JSONValue in
      [
        "name": .string(trouble.name.rawValue), "since": .string(ProfileTime.rfc3339(trouble.since)),
        "detail": .string(trouble.detail), "advice": .string(trouble.advice),
      ]
    }
    return [
      "state": .string(stateWord), "problems": .array(problems), "agentId": .string(settings.agentId),
      "configuratorId": .text(currentConfigurator?.configuratorId),
    ]
  }

  /// The configurator of the registration that holds.
  var currentConfigurator: Candidate? {
    switch phase {
    case .registered(let registration), .refreshing(let registration, _): registration.candidate
    default: nil
    }
  }

  /// The page that a person reads.
  var statusPage: HTTPResponse {
    let name = settings.device["friendlyName"]?.string ?? settings.device["modelName"]?.string ?? settings.agentId
    var page = """
      <!DOCTYPE html>
      <html lang="en">
      <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>\(escaped(name))</title>
      <style>body{font-family:sans-serif;max-width:40em;margin:2em auto;padding:0 1em}li{margin:1em 0}</style></head>
      <body>
      <h1>\(escaped(name))</h1>
      <p>\(escaped(summary))</p>

      """
    if !troubles.list.isEmpty {
      page += "<h2>Problems</h2>\n<ul>\n"
      for trouble in troubles.list {
        page += """
          <li><strong>\(trouble.name.rawValue)</strong> since \(ProfileTime.rfc3339(trouble.since))<br>
          \(escaped(trouble.detail))<br>
          <em>\(escaped(trouble.advice))</em></li>

          """
      }
      page += "</ul>\n"
    }
    page += "<h2>Network</h2>\n<ul>\n"
    for interface in interfaces {
      let addresses = interface.addresses.map(\.description).joined(separator: ", ")
      let gateway = interface.defaultGateway.map { ", gateway \($0)" } ?? ""
      page += "<li>\(escaped(interface.name)): \(interface.isUp ? "link" : "no link"), "
      page += "\(addresses.isEmpty ? "no address" : addresses)\(gateway)</li>\n"
    }
    page += "</ul>\n<p><small>Agent \(escaped(settings.agentId))</small></p>\n</body>\n</html>\n"
    return HTTPResponse(
      200,
      fields: ["Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"],
      body: Array(page.utf8))
  }

  private var summary: String {
    switch phase {
    case .dormant: "Starting."
    case .offline: "Not connected to the network."
    case .settling, .searching: "Looking for the home's configurator."
    case .registering: "Registering with the home's configurator."
    case .registered(let registration), .refreshing(let registration, _):
      "Registered with the configurator at \(registration.candidate.endpoint)."
    case .refused: "Not registered; trying again soon."
    case .leaving, .stopped: "Stopping."
    }
  }

  /// The text as it may stand in XML and HTML; control characters, which XML can't carry, become blanks.
  func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\u{0}"..<"\u{20}", "\u{7F}", "\u{FFFE}", "\u{FFFF}": result += " "
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
