import Messages
import RoleKit
import Testing

@testable import ConfiguratorRole

/// Evidence of a home in which all is well, and what a fault does to it.
private func evidence(
  _ kind: CheckEvidence.Kind = .reachability, _ change: (inout CheckEvidence) -> Void = { _ in }
) -> CheckEvidence {
  var evidence = CheckEvidence(kind: kind, device: "tv", configurator: "cfg", gateway: "hg")
  evidence.gatewayAddress = IPAddress("192.168.10.1")
  evidence.deviceGateway = IPAddress("192.168.10.1")
  evidence.deviceAddresses = [CIDR("192.168.10.21/24")!]
  evidence.gatewayEcho = good
  evidence.deviceEcho = good
  evidence.control = .answered(isConnected: true)
  evidence.agent = .answered
  if kind == .reachability {
    evidence.serverBindings = good
    evidence.agentItems = [
      CheckItem(.gateway, element: "192.168.10.1", good), CheckItem(.agentServer, element: "198.51.100.10", good),
    ]
  } else {
    evidence.application = "media"
    evidence.agentItems = [CheckItem(.applicationLocal, .ok, element: "tv", "status 401")]
    evidence.lanVisit = .answered(status: 401)
    evidence.mapping = .open
    evidence.outsideVisit = .answered(status: 401)
  }
  change(&evidence)
  return evidence
}

private let good = ProbeTally(sent: 20, received: 20, roundTrip: 0.4)
private let silent = ProbeTally(sent: 20, received: 0)
private let lossy = ProbeTally(sent: 20, received: 12, roundTrip: 0.4)
private let slow = ProbeTally(sent: 20, received: 20, roundTrip: 300)

/// `fault at element` of each finding, in their order.
private func found(_ evidence: CheckEvidence) -> [String] {
  evidence.findings.map { "\($0.fault.rawValue) at \($0.element)" }
}

private func device(_ gateway: ProbeTally, _ server: ProbeTally) -> [CheckItem] {
  [CheckItem(.gateway, element: "gateway", gateway), CheckItem(.agentServer, element: "server", server)]
}

private func unplugged(_ evidence: inout CheckEvidence) {
  evidence.agent = .failed(.timeout)
  evidence.agentItems = []
  evidence.deviceEcho = silent
  evidence.lanVisit = evidence.kind == .application ? .failed(.timeout) : nil
  evidence.outsideVisit = evidence.kind == .application ? .unreachable("no answer in time") : nil
}

@Suite("findings: from evidence to what is wrong (4.6.3, 4.6.4)") struct FindingsTests {
  @Test("nothing is wrong") func none() {
    #expect(found(evidence()) == ["none at tv"])
    #expect(found(evidence(.application)) == ["none at tv"])
    #expect(evidence(.application).findings[0].layer == .application)
  }

  @Test("one answer of a row may be missing, and a machine may be busy") func tolerance() {
    let nearly = ProbeTally(sent: 20, received: 19, roundTrip: 60)
    #expect(
      found(
        evidence {
          $0.deviceEcho = nearly; $0.gatewayEcho = nearly
        }) == ["none at tv"])
  }

  @Test("a device that is not heard: off with a goodbye, unplugged without") func absent() {
    #expect(found(evidence(.reachability, unplugged)) == ["cable-unplugged at tv"])
    #expect(found(evidence(.application, unplugged)) == ["cable-unplugged at tv"])
    #expect(
      found(
        evidence {
          unplugged(&$0); $0.saidGoodbye = true
        }) == ["device-off at tv"])
    // On one machine there are no echoes: a closed port is all that there is.
    let closed = evidence {
      unplugged(&$0)
      $0.deviceEcho = nil
      $0.agent = .failed(.refused)
    }
    #expect(found(closed) == ["device-off at tv"])
  }

  @Test("HTIP tells the link, and a switch that is gone") func link() {
    let place = LinkSight.Place(node: "sw1", port: 3, age: 100)
    let last = evidence {
      unplugged(&$0); $0.sight.lastPlace = place
    }
    #expect(found(last) == ["cable-unplugged at tv--sw1.3"])
    let middle = evidence {
      unplugged(&$0); $0.sight.broken = "sw1.2--sw2.1"
    }
    #expect(found(middle) == ["cable-unplugged at sw1.2--sw2.1"])
    let off = evidence {
      unplugged(&$0); $0.sight.broken = "sw2"; $0.sight.saidGoodbye = true
    }
    #expect(found(off) == ["device-off at sw2"])
    let weak = evidence {
      $0.sight.place = place; $0.sight.quality = 10
    }
    #expect(found(weak) == ["link-degraded at tv--sw1.3"])
  }

  @Test("the device's agent alone is silent") func agent() {
    #expect(
      found(
        evidence {
          $0.agent = .failed(.timeout); $0.agentItems = []
        }) == ["port-blocked at tv"])
    #expect(
      found(
        evidence {
          $0.agent = .failed(.refused); $0.agentItems = []
        }) == ["application-down at tv"])
  }

  @Test("gateway, outer line and service server are told apart") func outside() {
    let gateway = evidence {
      $0.gatewayEcho = silent
      $0.control = .silent
      $0.serverBindings = silent
      $0.agentItems = device(silent, silent)
    }
    #expect(found(gateway) == ["gateway-down at hg"])
    let line = evidence {
      $0.control = .answered(isConnected: false)
      $0.serverBindings = silent
      $0.agentItems = device(good, silent)
    }
    #expect(found(line) == ["wan-down at hg"])
    let server = evidence {
      $0.serverBindings = silent; $0.agentItems = device(good, silent)
    }
    #expect(found(server) == ["server-unreachable at server"])
    // A gateway that answers by UPnP alone is not off.
    let mute = evidence { $0.gatewayEcho = silent }
    #expect(found(mute) == ["none at tv"])
  }

  @Test("the device's own way out") func way() {
    let wrong = evidence {
      $0.deviceGateway = IPAddress("192.168.10.50")
      $0.agentItems = device(good, silent)
    }
    #expect(found(wrong) == ["wrong-gateway at tv"])
    #expect(found(evidence { $0.agentItems = device(good, silent) }) == ["port-blocked at hg"])
    #expect(found(evidence { $0.agentItems = device(silent, silent) }) == ["port-blocked at tv"])
    let subnet = evidence {
      $0.deviceAddresses = [CIDR("10.0.0.5/24")!]
      $0.agentItems = device(silent, silent)
    }
    #expect(found(subnet) == ["wrong-subnet at tv"])
  }

  @Test("what the device knows of itself is told of it alone") func told() {
    let told = evidence {
      $0.agentFindings = [
        Finding(.duplicateAddress, at: "the neighbour", evidence: "two answer", advice: "give one another")
      ]
    }
    #expect(found(told) == ["duplicate-address at tv"])
  }

  @Test("which link is bad: what two bad pairs have in common") func quality() {
    for bad in [lossy, slow] {
      let link = evidence {
        $0.deviceEcho = bad; $0.agentItems = device(bad, good)
      }
      #expect(found(link) == ["link-degraded at tv"])
      let gateway = evidence {
        $0.gatewayEcho = bad; $0.agentItems = device(bad, good)
      }
      #expect(found(gateway) == ["link-degraded at hg"])
      let own = evidence {
        $0.gatewayEcho = bad; $0.deviceEcho = bad
      }
      #expect(found(own) == ["link-degraded at cfg"])
    }
    #expect(found(evidence { $0.serverBindings = lossy }) == ["link-degraded at hg--server"])
    // That a server is far away is no fault.
    #expect(found(evidence { $0.serverBindings = slow }) == ["none at tv"])
  }

  @Test("the application: down, out of order, blocked at the device or at the gateway, not mapped") func application() {
    let down = evidence(.application) {
      $0.agentItems = [CheckItem(.applicationLocal, .failed, element: "tv", "refused")]
      $0.lanVisit = .failed(.refused)
      $0.outsideVisit = .unreachable("refused")
    }
    #expect(found(down) == ["application-down at tv"])
    let broken = evidence(.application) {
      $0.agentFindings = [Finding(.applicationRefuses, at: "tv", evidence: "status 500", advice: "restart it")]
      $0.lanVisit = .answered(status: 500)
    }
    #expect(found(broken) == ["application-refuses at tv"])
    // An agent that does not look for itself.
    let unaided = evidence(.application) {
      $0.agentItems = []; $0.lanVisit = .answered(status: 503)
    }
    #expect(found(unaided) == ["application-refuses at tv"])
    let atDevice = evidence(.application) {
      $0.lanVisit = .failed(.timeout); $0.outsideVisit = .unreachable("timeout")
    }
    #expect(found(atDevice) == ["port-blocked at tv"])
    #expect(found(evidence(.application) { $0.outsideVisit = .unreachable("timeout") }) == ["port-blocked at hg"])
    let unmapped = evidence(.application) {
      $0.mapping = .refused("501"); $0.outsideVisit = nil
    }
    #expect(found(unmapped) == ["port-not-mapped at hg"])
    // What is not for the outside needs no port.
    let local = evidence(.application) {
      $0.isRemote = false; $0.mapping = .notAsked; $0.outsideVisit = nil
    }
    #expect(found(local) == ["none at tv"])
    let noServer = evidence(.application) {
      $0.isServerSilent = true; $0.outsideVisit = nil
    }
    #expect(found(noServer) == ["server-unreachable at server"])
  }

  @Test("two faults at once are both named") func two() {
    let line = evidence {
      $0.control = .answered(isConnected: false)
      $0.serverBindings = silent
      $0.deviceEcho = slow
      $0.agentItems = device(slow, silent)
    }
    #expect(found(line) == ["wan-down at hg", "link-degraded at tv"])
    let both = evidence {
      unplugged(&$0); $0.gatewayEcho = silent; $0.control = .silent; $0.serverBindings = silent
    }
    #expect(found(both) == ["gateway-down at hg", "cable-unplugged at tv"])
    let stopped = evidence(.application) {
      $0.deviceEcho = slow
      $0.agentItems = [CheckItem(.applicationLocal, .failed, element: "tv", "refused")]
      $0.lanVisit = .failed(.refused)
    }
    #expect(found(stopped) == ["link-degraded at tv", "application-down at tv"])
  }

  @Test("the configurator's own cable hides everything") func own() {
    #expect(
      found(
        evidence {
          unplugged(&$0); $0.isOwnLinkUp = false
        }) == ["cable-unplugged at cfg"])
  }

  @Test("a result is as bad as the worst of its findings") func results() {
    #expect(CheckResult(evidence().findings) == .ok)
    #expect(CheckResult(evidence { $0.deviceEcho = lossy }.findings) == .degraded)
    #expect(CheckResult(evidence(.reachability, unplugged).findings) == .failed)
  }
}
