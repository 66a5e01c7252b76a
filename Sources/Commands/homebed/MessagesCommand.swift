import ArgumentParser
import Glibc
import LanguageKit
import Messages

struct MessagesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "messages", abstract: "The catalogue: messages, directions, fields, bindings.")

  @Argument(help: "A message's name; all if none is given.")
  var name: String?

  @Flag(help: "As JSON.")
  var json = false

  @Flag(help: "As the page docs/messages.md.")
  var markdown = false

  func run() throws {
    if markdown { return write(MessageCatalogue.markdown, to: STDOUT_FILENO) }
    guard let name else { return say(json ? MessageCatalogue.json.pretty : MessageCatalogue.text) }
    guard let message = MessageCatalogue[name] else {
      let near = Suggestion.nearest(to: name, among: MessageCatalogue.names)
      complain("error: there is no message `\(name)`" + (near.map { "; did you mean `\($0)`?" } ?? ""))
      throw ExitCode(2)
    }
    say(json ? message.json.pretty : message.text)
  }
}
