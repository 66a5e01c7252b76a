import Messages

/// A request that is not done, as the response that says so.
public struct Refusal: Error, Sendable, Hashable {
  public var response: HTTPResponse

  public init(_ problem: Problem, fields: [HTTPFields.Field] = []) {
    response = problem.response
    response.fields.list += fields
  }

  public init(_ name: ProblemName, _ detail: String, pointer: String? = nil) {
    self.init(Problem(name, detail, pointer: pointer))
  }

  /// 422 `invalid-field`.
  public init(_ fault: FieldFault) {
    self.init(Problem(.invalidField, fault.description, pointer: fault.pointer))
  }

  /// 401, with the challenge that RFC 9110 clause 11.6.1 asks for.
  public static func unauthorized(_ detail: String) -> Refusal {
    Refusal(Problem(.unauthorized, detail), fields: [.init("WWW-Authenticate", "Bearer")])
  }

  public static func methodNotAllowed(_ method: String, allowed: [String]) -> Refusal {
    let list = allowed.joined(separator: ", ")
    return Refusal(
      Problem(status: 405, title: "Method Not Allowed", "\(method) is not among \(list)"),
      fields: [.init("Allow", list)])
  }

  /// 404 for a path that names nothing.
  public static func notFound(_ detail: String) -> Refusal {
    Refusal(Problem(status: 404, title: "Not Found", detail))
  }

  /// 400 for a request that is wrong before its body is read.
  public static func badRequest(_ detail: String) -> Refusal {
    Refusal(Problem(status: 400, title: "Bad Request", detail))
  }
}
