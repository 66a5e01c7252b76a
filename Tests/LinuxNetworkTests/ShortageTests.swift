import Glibc
import LinuxNetwork
import Testing

struct ShortageTests {
  @Test(arguments: [
    (EMFILE, "raise it with ulimit -n"), (ENFILE, "fs.file-max"), (ENOMEM, "memory"), (ENOSPC, "the disk is full"),
    (EDQUOT, "the disk is full"), (EFBIG, "ulimit -f"),
  ])
  func aRefusedCallNamesWhatRanOut(number: Int32, words: String) {
    let text = SystemError("write a file", number: number).description
    #expect(text.hasPrefix("cannot write a file: "))
    #expect(text.contains("; hint: ") && text.contains(words), "\(text)")
  }

  @Test func otherRefusalsHaveNoRemedy() {
    #expect(Shortage(errno: EACCES) == nil)
    // Of what is too little cannot be told from the number alone.
    #expect(Shortage(errno: EAGAIN) == nil)
    #expect(!SystemError("write a file", number: EACCES).description.contains("hint"))
  }

  @Test func nothingIsShortHere() { #expect(Shortage.now(in: "/tmp") == nil) }

  @Test func aLimitOfOpenFilesIsHeldAgainstWhatIsNeeded() {
    #expect(throws: Never.self) { try DescriptorLimit.require(16) }
    #expect(throws: SystemError("", number: EMFILE)) { try DescriptorLimit.require(.max) }
  }
}
