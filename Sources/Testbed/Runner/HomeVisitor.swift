import Glibc
import JSONText
import LinuxNetwork

/// Finds a running home and asks it: the other side of its door.
public struct HomeVisitor {
  /// No home, or more than one, could be meant.
  public struct Refusal: Error, CustomStringConvertible {
    public var description: String
  }

  /// The home's ID.
  public let id: String
  private let socket: Descriptor

  /// The home that `wanted` names, or the only one that is up.
  ///
  /// - Parameters:
  ///   - node: where more than one home is up, only those that have this node come into question.
  ///   - tell: hears of sockets that killed homes have left, which are removed.
  public static func find(_ wanted: String?, having node: String? = nil, tell: (String) -> Void) throws -> HomeVisitor {
    let folder = try RuntimeFolder.find()
    let (running, stale) = try folder.homes()
    for socket in stale {
      tell("note: the home \(socket.id) was killed: nobody answers at \(socket.path), which is removed")
      unlink(socket.path)
    }
    var meant = wanted.map { wanted in running.filter { $0 == wanted } } ?? running
    if meant.count > 1, let node {
      let having = try meant.filter { id in
        let answer = try HomeVisitor(id: id, socket: folder.connect(to: id)).ask(.describe)
        return answer.details["nodes"]?.array?.contains { $0["name"]?.string == node } ?? false
      }
      if !having.isEmpty { meant = having }
    }
    guard let id = meant.first else {
      let others = running.isEmpty ? "; hint: homebed up TOPOLOGY" : "; up: " + running.joined(separator: ", ")
      throw Refusal(description: (wanted.map { "no home \($0) is up" } ?? "no home is up") + others)
    }
    guard meant.count == 1 else {
      throw Refusal(
        description: "more than one home is up: \(meant.joined(separator: ", ")); hint: name one with --home")
    }
    return HomeVisitor(id: id, socket: try folder.connect(to: id))
  }

  /// The process that conducts the home, by its number here.
  public func process() throws -> Int32 { try LocalSocket.process(atOtherEndOf: socket) }

  /// Asks how to enter a node.
  public func enter(_ node: String) throws -> HomeAnswer { try ask(.enter(node: node)) }

  /// Has actions performed, one a line, and waits until they are, `within` seconds at most.
  public func perform(_ text: String, within: Double) throws -> HomeAnswer { try ask(.perform(text, within: within)) }

  private func ask(_ request: HomeCall.Request) throws -> HomeAnswer {
    try LocalSocket.send(request.json.description + "\n", on: socket)
    var octets: [UInt8] = []
    while octets.last != 0x0A, let more = try socket.read(atMost: 65_536, "the answer"), !more.isEmpty {
      octets += more
    }
    guard octets.last == 0x0A, let answer = HomeAnswer(try JSONValue(parsing: octets.dropLast())) else {
      throw Refusal(description: "the home \(id) ended before it answered")
    }
    return answer
  }
}
