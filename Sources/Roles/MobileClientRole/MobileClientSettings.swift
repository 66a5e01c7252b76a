import Messages
import RoleKit

/// What a mobile device is told to do.
public struct MobileClientSettings: Sendable, Hashable {
  public enum Task: Sendable, Hashable {
    /// Tells which CE devices the home has.
    case list
    case connect(Wish)
  }

  /// The connection that is wanted (profile section 5).
  public struct Wish: Sendable, Hashable {
    public enum Ending: Sendable, Hashable {
      /// The connection lasts until it expires.
      case leave
      /// It is ended as soon as the application has answered.
      case disconnect
    }

    public var agentId: String
    public var application: String
    /// Shown to the application in place of the token that the server gives.
    public var connectionToken: String?
    /// Nanoseconds between the server's answer and the connection.
    public var pause: UInt64
    public var ending: Ending

    public init(
      agentId: String, application: String, connectionToken: String? = nil, pause: UInt64 = 0, ending: Ending = .leave
    ) {
      self.agentId = agentId
      self.application = application
      self.connectionToken = connectionToken
      self.pause = pause
      self.ending = ending
    }
  }

  public enum Format: Sendable, Hashable {
    /// A line for each thing that happens.
    case text
    /// One JSON object at the end.
    case json
  }

  public var server: Endpoint
  public var homeId: String
  public var userToken: String
  public var task: Task
  public var format: Format

  public init(server: Endpoint, homeId: String, userToken: String, task: Task, format: Format = .text) {
    self.server = server
    self.homeId = homeId
    self.userToken = userToken
    self.task = task
    self.format = format
  }
}

/// How a mobile device's task ended, as the program's exit status.
public enum MobileClientStatus: Int32, Sendable, CaseIterable {
  case done = 0
  /// The server refused: 401, 403, 404, 409, 422.
  case refused = 3
  /// The server cannot reach the home now: 503, 504.
  case homeUnreachable = 4
  /// The server did not answer, or with something else than the profile's.
  case serverUnreachable = 5
  /// The application answered with another status than 200.
  case applicationRefused = 6
  /// The application did not answer.
  case applicationUnreachable = 7
}
