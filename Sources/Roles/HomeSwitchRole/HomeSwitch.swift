import Messages
import RoleKit

/// A switch of the home: HTIP-NW equipment (ITU-T G.9973), which tells what it is and what it has learnt at each port.
///
/// The kernel's bridge forwards. A frame leaves through the bridge itself, so that it goes out of every port with the
/// bridge's own address, by which other switches learn where this one is.
public struct HomeSwitch: Role {
  /// The legal ways: dormant -> waiting -> speaking -> stopped; a change within the pause is told at its end.
  enum Phase: Sendable, Hashable {
    /// Before the first input.
    case dormant
    /// The bridge has not been seen.
    case waiting
    case speaking(Speech)
    case stopped
  }

  struct Speech: Sendable, Hashable {
    var bridge: BridgeState
    /// How many frames the last telling took.
    var frameCount = 0
    /// What changed since the last telling, and the pause after it is not over.
    var isPausing = false
    var hasNews = false
  }

  /// Nanoseconds of role time between two tellings: a table that changes all the time is told this often.
  static let pause: UInt64 = .milliseconds(100)
  /// Addresses of one port that are told; more is no home, or somebody floods the table.
  static let addressLimit = 2048

  enum Timer {
    static let advertise = TimerName("advertise")
    static let pause = TimerName("pause")
  }

  let settings: HomeSwitchSettings
  var phase = Phase.dormant

  public init(_ settings: HomeSwitchSettings) { self.settings = settings }

  public mutating func handle(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect] {
    switch (phase, input) {
    case (.dormant, .started):
      phase = .waiting
      // Ready when the bridge is seen: what follows may count on its frames.
      return [.openFrames(interface: settings.bridge), .watchBridge(settings.bridge)]
    case (.waiting, .bridge(let state)):
      phase = .speaking(Speech(bridge: state))
      return tell() + [.ready]
    case (.speaking(var speech), .bridge(let state)):
      speech.bridge = state
      speech.hasNews = true
      phase = .speaking(speech)
      return speech.isPausing ? [] : tell()
    case (.speaking(var speech), .fired(Timer.pause)):
      speech.isPausing = false
      phase = .speaking(speech)
      return speech.hasNews ? tell() : []
    case (.speaking, .fired(Timer.advertise)): return tell()
    case (.speaking(let speech), .stopping):
      phase = .stopped
      return withdrawal(of: 0..<speech.frameCount, speech.bridge) + [.exit(0)]
    case (.dormant, .stopping), (.waiting, .stopping):
      phase = .stopped
      return [.exit(0)]
    default: return ignored(input)
    }
  }

  /// Tells the table in as many frames as it takes, and takes back those that are not needed any more.
  private mutating func tell() -> [Effect] {
    guard case .speaking(var speech) = phase else { return [] }
    let frames: [HTIPFrame]
    let octets: [[UInt8]]
    do {
      frames = try frame(of: speech.bridge).frames()
      octets = try frames.map { try $0.octets() }
    } catch {
      return [.report(Report(.error, "frame-not-sent", "\(error)"))]
    }
    let surplus = withdrawal(of: frames.count..<max(frames.count, speech.frameCount), speech.bridge)
    speech.frameCount = frames.count
    speech.hasNews = false
    speech.isPausing = true
    phase = .speaking(speech)
    return octets.map { .frame($0, interface: settings.bridge) } + surplus + [
      .arm(Timer.pause, after: Self.pause), .arm(Timer.advertise, after: settings.htip.interval),
    ]
  }

  /// A Time To Live of 0 takes back what frames of these places told.
  private func withdrawal(of places: Range<Int>, _ bridge: BridgeState) -> [Effect] {
    places.compactMap { place in
      let frame = HTIPFrame(chassis: .mac(bridge.macAddress), port: portID.further(place), timeToLive: 0)
      return (try? frame.octets()).map { .frame($0, interface: settings.bridge) }
    }
  }

  private var portID: PortID { .interface(settings.bridge) }

  private func frame(of bridge: BridgeState) -> HTIPFrame {
    let links = bridge.ports.map { port in
      LinkInformation(
        interfaceType: port.interfaceType, port: port.number,
        addresses: port.isUp ? Array(port.addresses.prefix(Self.addressLimit)) : [])
    }
    return HTIPFrame(
      chassis: .mac(bridge.macAddress), port: portID, timeToLive: settings.htip.timeToLive,
      portDescription: "IEEE802.3",
      items: [
        .categories(settings.categories), .fitting(.manufacturerCode, settings.manufacturerCode),
        .fitting(.modelName, settings.modelName), .fitting(.modelNumber, settings.modelNumber),
        .text(.status, "OK"), .number(.interval, UInt64(settings.htip.toldInterval)),
      ].compactMap { $0 }, links: links)
  }

  /// Names an input that has no meaning now, so that nothing is lost in silence.
  private func ignored(_ input: Input) -> [Effect] {
    let what =
      switch input {
      case .frame(_, let from, _): "frame from \(from)"
      case .bridge(let state): "state of the bridge \(state.name)"
      case .fired(let timer): "timer \(timer.name)"
      case .started: "start"
      case .stopping: "stop"
      default: "input of another kind"
      }
    return [.report(Report(.debug, "ignored", "\(what): not awaited now"))]
  }
}
