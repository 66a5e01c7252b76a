import Glibc
import Messages
import MobileClientRole
import RoleKit

/// A mobile client whose page is written to a file when it is there: the role itself does no I/O.
struct PageKeeper: Role {
  private var client: MobileClient
  private let file: String?

  init(_ client: MobileClient, file: String?) {
    self.client = client
    self.file = file
  }

  mutating func handle(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect] {
    let before = client.page
    let effects = client.handle(input, at: now, bits: &bits)
    guard before == nil, let page = client.page, let file else { return effects }
    guard let reason = PageKeeper.write(page, to: file) else { return effects }
    return [.report(Report(.error, "not-saved", "\(file): \(reason)")), .exit(1)]
  }

  /// What went wrong; `nil` where the file is whole.
  private static func write(_ octets: [UInt8], to path: String) -> String? {
    guard let file = fopen(path, "w") else { return String(cString: strerror(errno)) }
    let written = fwrite(octets, 1, octets.count, file)
    let isFlushed = fclose(file) == 0
    return written == octets.count && isFlushed ? nil : String(cString: strerror(errno))
  }
}
