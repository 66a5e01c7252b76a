import Backends

/// The programs of a run: which node is up, which ended without being asked to, and what `run` commands gave.
struct Programs {
  private struct Entry {
    var program: RunningProgram
    var isCommand: Bool
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
  mutating func add(device program: RunningProgram) { devices[program.node] = add(program, isCommand: false) }

  /// A `run` command was started.
  mutating func add(command program: RunningProgram) {
    commands[program.node] = CommandRecord(number: add(program, isCommand: true))
  }

  private mutating func add(_ program: RunningProgram, isCommand: Bool) -> Int {
    next += 1
    entries[next] = Entry(program: program, isCommand: isCommand)
    announce.yield((next, program))
    return next
  }

  func isRunning(_ node: String) -> Bool { devices[node].map { entries[$0] != nil } ?? false }
  func isReady(_ node: String) -> Bool { devices[node].flatMap { entries[$0]?.isReady } ?? false }
  /// What the node's program wrote instead of a ready line.
  func output(of node: String) -> [String] { devices[node].flatMap { entries[$0]?.output } ?? [] }
  func command(of node: String) -> CommandRecord? { commands[node] }

  /// For a foreign program whose open port tells that it is up.
  mutating func markReady(_ node: String) { if let number = devices[node] { entries[number]?.isReady = true } }

  /// A program wrote a line on standard output.
  mutating func heard(_ line: String, from number: Int) {
    guard let entry = entries[number] else { return }
    if entry.isCommand {
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

  /// A program ended: gives its node where it was a node's own and nobody had asked for its end.
  mutating func ended(_ number: Int, _ end: ProgramEnd) -> String? {
    guard let entry = entries.removeValue(forKey: number) else { return nil }
    let node = entry.program.node
    if entry.isCommand {
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
