import Backends
import LinuxNetwork
import Messages
import Octets
import TopologyLanguage
import TraceChecker

/// Whoever conducts a running home: starts its programs, performs actions in it, reads facts there.
///
/// The run of a variant and a home that `homebed up` leaves running do all this with the same code; they differ in who
/// says what comes next, and in when waiting is over.
protocol HomeConductor: Actor {
  var topology: Topology { get }
  var names: TopologyNames { get }
  var options: RunOptions { get }
  /// Where the files of the home go.
  var folder: String { get }
  var secrets: RunSecrets { get }

  var environment: NodeEnvironment { get set }
  var programs: Programs { get set }
  /// Nodes that were powered on.
  var powered: Set<String> { get set }
  var addresses: NodeAddresses { get set }
  var knowledge: WireKnowledge { get set }
  var home: (any HomeUnderTest)? { get }
  var facts: FactReader? { get set }
  var faults: ArmedFaults { get set }
  /// What happens reaches the conductor through it.
  var inbox: Inbox { get }

  /// True when nobody waits any longer for what is being done.
  var isOver: Bool { get }
  /// Waits for the next happening, but no longer than `until` (CLOCK_REALTIME, nanoseconds), and takes it in.
  func pump(until: Int64?) async throws
  /// Writes into the capture.
  func note(_ note: Note)
}

extension HomeConductor {
  /// Takes in what an event on the wire tells about the home.
  func learn(_ event: Event) {
    knowledge.learn(event)
    follow(event)
    followLease(event)
  }

  /// A node to which a DHCP server gave an address is reached there from now on.
  private func followLease(_ event: Event) {
    guard event.name == "dhcp", event.fields["messageType"] == 5, case .node(let server) = event.from,
      let address = event.fields["yourAddress"]?.string.flatMap({ IPAddress($0) }),
      let mac = event.fields["clientMAC"]?.string.flatMap({ MACAddress($0) })
    else { return }
    // The same MAC address may be used in two homes.
    let networks = topology.node(named: server)?.interfaces.map(\.network) ?? []
    for node in topology.nodes {
      for (index, interface) in node.interfaces.enumerated()
      where interface.address == nil && interface.mac == mac && networks.contains(interface.network) {
        guard let prefix = topology.networks.first(where: { $0.qualifiedName == interface.network })?.prefix else {
          continue
        }
        addresses.set(CIDR(address, prefixLength: prefix.prefixLength), of: node.name, interface: index)
        refreshFacts()
      }
    }
  }

  /// A node that registers from a new address is read there from now on.
  private func follow(_ event: Event) {
    guard event.name == "register", case .node(let name) = event.from, let agent = event.fields["agentId"]?.string,
      let host = knowledge.url(ofAgent: agent)?.host, let address = IPAddress(host), address != addresses[name],
      let old = addresses.all(of: name)[0]
    else { return }
    addresses.set(CIDR(address, prefixLength: old.prefixLength), of: name, interface: 0)
    refreshFacts()
  }

  /// Facts are read at the addresses that nodes have now.
  func refreshFacts() {
    guard let home else { return }
    let addresses = addresses
    facts = FactReader(home: home, secrets: secrets, address: { addresses[$0] })
  }

  /// How a program ended, with the last lines of its log, and what the machine lacks.
  func died(_ node: String, _ end: ProgramEnd) -> String {
    let last = LogTail.lines(logFile(of: node))
    return "\(end)" + (last.isEmpty ? "" : "; its last lines: " + last.joined(separator: " | "))
      + (Shortage.now(in: folder).map { "; hint: \($0.remedy)" } ?? "")
  }

  func logFile(of node: String) -> String { "\(folder)/logs/\(node).log" }
}
