import HTTPWire
import JSONText
import Messages
import Octets

/// The fields of HTTP messages as scenarios name them (profile section 1).
enum MessageFields {
  /// Characters kept of a body that is no JSON object.
  static let textLimit = 1024

  /// The members of a JSON object; any other body as text under `body`.
  static func body(_ octets: [UInt8], _ headers: HTTPFields) -> JSONValue {
    guard !octets.isEmpty else { return [:] }
    if octets.first(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }) == UInt8(ascii: "{"),
      let value = try? JSONValue(parsing: octets), value.object != nil
    {
      return value
    }
    return ["body": .string(String(String(decoding: octets.prefix(textLimit * 4), as: UTF8.self).prefix(textLimit)))]
  }

  /// Adds the fields of a definition that stand in headers; members of the body of the same name win.
  static func addHeaders(_ headers: HTTPFields, _ definition: MessageDefinition, to fields: inout JSONValue) {
    for field in definition.fields where field.source == .header && fields[field.name] == nil {
      fields[field.name] = value(of: field, headers)
    }
  }

  private static func value(of field: MessageField, _ headers: HTTPFields) -> JSONValue? {
    switch field.name {
    case "token": bearerToken(headers).map { .string($0) }
    case "correlation": headers[ProfileNames.correlationField].map { .string($0) }
    case "idempotencyKey": headers[ProfileNames.idempotencyField].map { .string($0) }
    case "contentType": headers["Content-Type"].map { .string($0) }
    case "ifMatch": headers["If-Match"].map { .string(unquoted($0)) }
    case "ifNoneMatch": headers["If-None-Match"].map(revision)
    case "etag": headers["ETag"].map { .string(unquoted($0)) }
    case "revision": headers["ETag"].map(revision)
    case "lastEventId": headers["Last-Event-ID"].map { .string($0) }
    default: nil
    }
  }

  static func bearerToken(_ headers: HTTPFields) -> String? {
    guard let value = headers["Authorization"], value.prefix(7).lowercased() == "bearer " else { return nil }
    return String(value.dropFirst(7).drop { $0 == " " })
  }

  /// An entity tag without its quotation marks and without the sign of a weak one.
  private static func unquoted(_ tag: String) -> String {
    let strong = tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...]
    return strong.count >= 2 && strong.hasPrefix("\"") && strong.hasSuffix("\"")
      ? String(strong.dropFirst().dropLast()) : String(strong)
  }

  /// The server's ETag is the revision.
  private static func revision(_ tag: String) -> JSONValue {
    let text = unquoted(tag)
    return Int(text).map { .int($0) } ?? .string(text)
  }

  /// Adds what rule S2 compares: everything but Date and Homebed-Correlation.
  static func digest(_ headers: HTTPFields, _ body: [UInt8], into digest: inout MessageDigest) {
    for field in headers.list {
      let name = field.name.lowercased()
      if name == "date" || name == "homebed-correlation" { continue }
      digest.add(name)
      digest.add(field.value)
    }
    digest.add(body)
  }
}
