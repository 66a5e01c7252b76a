import Backends

/// The programs of a run: which node is up, which ended without being asked to, and what `run` commands gave.
struct Programs {
  private enum Kind { case device, command, visit }

  private struct Entry {
    var program: RunningProgram
    var kind: Kind
    var isReady = false
    /// What it wrote on standard output besides the ready line, within bounds.
    var output: [String] = []
  }

  /// Running programs by their number.
  private var entries: [Int: Entry] = [:]
  /// The number of each node's own program.
  private var devices: [String: Int] = [:]
  /// The newest `run` command of each node.
  private var commands: [String: CommandRecord] = [:]
  /// What mobile devices were started for, by number.
  private var visits: [Int: VisitRecord] = [:]
  private var next = 0
  /// Everything that was started, for those who tell of its lines and its end.
  let started: AsyncStream<(Int, RunningProgram)>
  private let announce: AsyncStream<(Int, RunningProgram)>.Continuation

  struct CommandRecord {
    var number: Int
    var output = ""
    /// The exit status; 128 and the signal's number where a signal ended it; `nil` while it runs.
    var status: Int?
  }

  /// A mobile device's connection: what it printed, and how it ended.
  struct VisitRecord {
    var node: String
    var output: [String] = []
    /// As of a command; `nil` while it runs.
    var status: Int?
  }

  init() { (started, announce) = AsyncStream.makeStream(of: (Int, RunningProgram).self) }

  /// Follows every program that is started until the task is cancelled.
  static func follow(_ started: AsyncStream<(Int, RunningProgram)>, telling inbox: Inbox) async {
    await withDiscardingTaskGroup { group in
      for await (number, program) in started {
        group.addTask {
          for await line in program.lines { inbox.post(.line(program: number, line)) }
          if let end = await program.end() { inbox.post(.ended(program: number, end)) }
        }
      }
    }
  }

  func endOfStarts() { announce.finish() }

  /// A node's own program was started.
  mutating func add(device program: RunningProgram) { devices[program.node] = add(program, .device) }

  /// A `run` command was started.
  mutating func add(command program: RunningProgram) {
    commands[program.node] = CommandRecord(number: add(program, .command))
  }

  /// A mobile device was started for a connection; gives its number.
  mutating func add(visit program: RunningProgram) -> Int {
    let number = add(program, .visit)
    visits[number] = VisitRecord(node: program.node)
    return number
  }

  private mutating func add(_ program: RunningProgram, _ kind: Kind) -> Int {
    next += 1
    entries[next] = Entry(program: program, kind: kind)
    announce.yield((next, program))
    return next
  }

  func isRunning(_ node: String) -> Bool { devices[node].map { entries[$0] != nil } ?? false }
  func isReady(_ node: String) -> Bool { devices[node].flatMap { entries[$0]?.isReady } ?? false }
  /// What the node's program wrote instead of a ready line.
  func output(of node: String) -> [String] { devices[node].flatMap { entries[$0]?.output } ?? [] }
  func command(of node: String) -> CommandRecord? { commands[node] }
  func visit(_ number: Int) -> VisitRecord? { visits[number] }

  /// For a foreign program whose open port tells that it is up.
  mutating func markReady(_ node: String) { if let number = devices[node] { entries[number]?.isReady = true } }

  /// A program wrote a line on standard output.
  mutating func heard(_ line: String, from number: Int) {
    guard let entry = entries[number] else { return }
    if entry.kind == .visit {
      if visits[number]?.output.count ?? 0 < 20 { visits[number]?.output.append(line) }
    } else if entry.kind == .command {
      let node = entry.program.node
      guard let record = commands[node], record.number == number, record.output.utf8.count < 1 << 20 else { return }
      commands[node]?.output += line + "\n"
    } else if line == "ready" {
      entries[number]?.isReady = true
    } else if entry.output.count < 5 {
      entries[number]?.output.append(line)
    }
  }

  /// The node's own program, whose end from now on is no surprise.
  mutating func release(_ node: String) -> RunningProgram? {
    guard let number = devices.removeValue(forKey: node) else { return nil }
    return entries.removeValue(forKey: number)?.program
  }

  /// The visits of a node that are still on their way, whose end from now on is no surprise.
  mutating func releaseVisits(of node: String) -> [RunningProgram] {
    let numbers = entries.filter { $0.value.kind == .visit && $0.value.program.node == node }.keys.sorted()
    return numbers.compactMap { entries.removeValue(forKey: $0)?.program }
  }

  /// A program ended: gives its node where it was a node's own and nobody had asked for its end.
  mutating func ended(_ number: Int, _ end: ProgramEnd) -> String? {
    guard let entry = entries.removeValue(forKey: number) else { return nil }
    let node = entry.program.node
    if entry.kind == .visit {
      visits[number]?.status = end.status
      return nil
    }
    if entry.kind == .command {
      if commands[node]?.number == number { commands[node]?.status = end.status }
      return nil
    }
    guard devices[node] == number else { return nil }
    devices[node] = nil
    return node
  }
}

extension ProgramEnd {
  /// The exit status as a shell tells it.
  var status: Int {
    switch self {
    case .exited(let status): Int(status)
    case .killed(let signal): 128 + Int(signal)
    }
  }
}
