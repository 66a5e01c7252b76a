import Messages
import RoleKit

/// A request that waits for an interface's counters.
struct HeldCount: Sendable {
  var action: HomeGateway.Action
}

/// The link to the Internet: what WANIPConnection:2 and WANCommonInterfaceConfig:1 tell of it.
extension HomeGateway {
  var isConnected: Bool { externalAddress != nil }

  mutating func noteConnection(at now: Moment) {
    connectedSince = isConnected ? connectedSince ?? now.monotonic : nil
  }

  /// The value of a state variable as actions and events tell it.
  func value(of variable: String, at now: Moment? = nil) -> String {
    switch variable {
    case "ConnectionType", "PossibleConnectionTypes": return "IP_Routed"
    case "ConnectionStatus": return isConnected ? "Connected" : "Disconnected"
    case "LastConnectionError": return lastConnectionError
    case "Uptime":
      guard let now, let connectedSince else { return "0" }
      return String((now.monotonic - connectedSince) / .seconds(1) & UInt64(UInt32.max))
    case "RSIPAvailable": return "0"
    case "NATEnabled": return settings.translates ? "1" : "0"
    case "ExternalIPAddress": return externalAddress.map { "\($0)" } ?? ""
    case "PortMappingNumberOfEntries": return String(min(table.count, Int(UInt16.max)))
    case "SystemUpdateID": return String(systemUpdateID)
    case "WANAccessType": return "Ethernet"
    case "Layer1UpstreamMaxBitRate", "Layer1DownstreamMaxBitRate": return String(settings.linkRate)
    case "PhysicalLinkStatus": return outsideInterface?.isUp ?? false ? "Up" : "Down"
    default: return ""
    }
  }

  private var lastConnectionError: String {
    guard let interface = outsideInterface, interface.isUp else { return "ERROR_NO_CARRIER" }
    return isConnected ? "ERROR_NONE" : "ERROR_IP_CONFIGURATION"
  }

  /// An action whose outputs are state variables.
  func tellState(_ action: Action) -> Effect {
    let outputs = action.service.description.action(action.call.action)?.outputs ?? []
    return done(action, outputs.map { value(of: $0.variable, at: action.asked.now) })
  }

  /// The type is fixed: a gateway here routes and translates.
  func setConnectionType(_ action: Action) throws(SOAPFault) -> [Effect] {
    guard isControlPoint(action.asked.from.address) else { throw SOAPFault(.notAuthorized) }
    guard action.arguments.text("NewConnectionType") == value(of: "ConnectionType") else { throw SOAPFault(.readOnly) }
    return [done(action)]
  }

  /// The link is always wished for; without a carrier nothing can set it up.
  func requestConnection(_ action: Action) throws(SOAPFault) -> [Effect] {
    guard isConnected else { throw SOAPFault(.connectionSetupFailed) }
    return [done(action)]
  }

  /// The link is no connection that could be hung up.
  func forceTermination(_ action: Action) throws(SOAPFault) -> [Effect] {
    guard isControlPoint(action.asked.from.address) else { throw SOAPFault(.notAuthorized) }
    throw SOAPFault(isConnected ? .actionFailed : .connectionAlreadyTerminated)
  }

  // MARK: Counters

  mutating func count(_ action: Action) throws(SOAPFault) -> [Effect] {
    guard let interface = outsideInterface?.name else { throw SOAPFault(.actionFailed) }
    let isAsked = heldCounts[interface] != nil
    heldCounts[interface, default: []].append(HeldCount(action: action))
    return isAsked ? [] : [.count(interface: interface)]
  }

  mutating func counted(_ interface: String, _ counters: InterfaceCounters?) -> [Effect] {
    (heldCounts.removeValue(forKey: interface) ?? []).flatMap { held -> [Effect] in
      guard let counters else { return refused(held.action.asked, SOAPFault(.actionFailed)) }
      let number =
        switch held.action.call.action {
        case "GetTotalBytesSent": counters.octetsSent
        case "GetTotalBytesReceived": counters.octetsReceived
        case "GetTotalPacketsSent": counters.packetsSent
        default: counters.packetsReceived
        }
      // The variables are ui4 and begin anew at 2^32.
      return [done(held.action, [String(UInt32(truncatingIfNeeded: number))])]
    }
  }
}
