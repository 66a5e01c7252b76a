// swift-tools-version: 6.2
import PackageDescription

// The layers, from the bottom up; `make layers` holds every import against this manifest and the layer's allow-list.
// Each target lies in Sources/LAYER/TARGET and, where it has tests, in Tests/TARGETTests.

let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]

extension Target {
  static func library(_ layer: String, _ name: String, _ dependencies: [Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(layer)/\(name)", swiftSettings: strict)
  }

  static func program(_ name: String, _ dependencies: [Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: "Sources/Commands/\(name)", swiftSettings: strict)
  }

  static func tests(of name: String, _ more: [Dependency] = [], resources: [Resource] = []) -> Target {
    .testTarget(
      name: name + "Tests", dependencies: [.byName(name: name)] + more, resources: resources, swiftSettings: strict)
  }
}

let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let wire: [Target] = [
  .library("Wire", "Octets"),
  .library("Wire", "JSONText", ["Octets"]),
  .library("Wire", "HTTPWire", ["Octets", "JSONText"]),
  .library("Wire", "Packets", ["Octets"]),
  .library("Wire", "CaptureFiles", ["Octets"]),
  .library("Wire", "SSDP", ["Octets"]),
  .library("Wire", "HTIP", ["Octets"]),
  .library("Wire", "UPnPDescription", ["Octets"]),
  .library("Wire", "SOAP", ["Octets", "UPnPDescription"]),
  .library("Wire", "Taps", ["Octets"]),
  .library("Wire", "STUN", ["Octets"]),
]

let messages: [Target] = [
  .library(
    "Messages", "Messages", ["Octets", "JSONText", "HTTPWire", "SSDP", "STUN", "UPnPDescription", "SOAP", "HTIP"]),
  .library(
    "Messages", "Trace",
    [
      "Messages", "Octets", "JSONText", "HTTPWire", "Packets", "CaptureFiles", "SSDP", "SOAP", "HTIP", "Taps",
      "STUN",
    ]),
]

let roles: [Target] = [
  .library("Roles", "RoleKit", ["Messages"]),
  .library("Roles", "CEAgentRole", ["RoleKit", "Messages"]),
  .library("Roles", "MobileClientRole", ["RoleKit", "Messages"]),
  .library("Roles", "ConfiguratorRole", ["RoleKit", "Messages"]),
  .library("Roles", "ServiceServerRole", ["RoleKit", "Messages"]),
  .library("Roles", "HomeGatewayRole", ["RoleKit", "Messages"]),
  .library("Roles", "HomeSwitchRole", ["RoleKit", "Messages"]),
]

let platform: [Target] = [
  .target(name: "CLinux", path: "Sources/Platform/CLinux"),
  .library("Platform", "LinuxNetwork", ["CLinux"]),
]

let edges: [Target] = [
  .library(
    "Edges", "Transports",
    [
      "RoleKit", "Messages", "LinuxNetwork", "Taps", "Packets", "Octets", logging,
      .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
      .product(name: "NIOHTTP1", package: "swift-nio"),
    ]),
  .library("Edges", "Translation", ["RoleKit", "Messages", "Packets", "Octets", "LinuxNetwork", "CLinux"]),
  .library("Edges", "ManagementStore", ["RoleKit", "Messages", .product(name: "GRDB", package: "GRDB.swift")]),
  .library(
    "Edges", "RoleHost",
    [
      "RoleKit", "Messages", "Transports", "ManagementStore", "LinuxNetwork", "Taps", logging, arguments,
      .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
    ]),
]

let testbed: [Target] = [
  .library("Testbed", "LanguageKit", ["Octets"]),
  .library("Testbed", "TopologyLanguage", ["LanguageKit", "Octets", "JSONText"]),
  .library("Testbed", "Drawings", ["TopologyLanguage", "Octets"]),
  .library("Testbed", "ScenarioLanguage", ["LanguageKit", "TopologyLanguage", "Messages", "Octets"]),
  .library("Testbed", "TraceChecker", ["ScenarioLanguage", "TopologyLanguage", "LanguageKit", "Messages"]),
  .library(
    "Testbed", "Backends",
    [
      "TopologyLanguage", "LinuxNetwork", "CLinux", "CaptureFiles", "Octets", "JSONText", "HTTPWire", "Packets", "Taps",
      "Trace",
    ]),
  .library("Testbed", "Reports", ["TraceChecker", "ScenarioLanguage", "TopologyLanguage", "Messages", "JSONText"]),
  .library(
    "Testbed", "Runner",
    [
      "Backends", "TraceChecker", "ScenarioLanguage", "TopologyLanguage", "LanguageKit", "Trace", "Messages",
      "CaptureFiles", "Reports", "LinuxNetwork", "Octets", "JSONText", "HTTPWire", "Packets",
    ]),
]

let commands: [Target] = [
  .program(
    "homebed",
    [
      "Runner", "Reports", "Backends", "Drawings", "TraceChecker", "ScenarioLanguage", "TopologyLanguage",
      "LanguageKit", "Trace",
      "Messages", "JSONText", arguments,
    ]),
  .program("ce-agent", ["CEAgentRole", "RoleKit", "Messages", "RoleHost", arguments]),
  .program("configurator", ["ConfiguratorRole", "RoleKit", "Messages", "RoleHost", arguments]),
  .program("service-server", ["ServiceServerRole", "RoleKit", "Messages", "RoleHost", arguments]),
  .program(
    "home-gateway",
    [
      "JSONText", "Octets", "HomeGatewayRole", "RoleKit", "Messages", "RoleHost", "Translation", "LinuxNetwork",
      arguments,
    ]),
  .program("mobile-client", ["MobileClientRole", "RoleKit", "Messages", "RoleHost", arguments]),
  .program("home-switch", ["HomeSwitchRole", "RoleKit", "Messages", "RoleHost", arguments]),
  .program(
    "homebed-bench",
    [
      "Runner", "Backends", "TraceChecker", "TopologyLanguage", "LanguageKit", "Trace", "Octets", "LinuxNetwork",
      "CaptureFiles", "STUN",
    ]),
  // Plain C, started once for every program: without Swift's start-up code nothing of its libraries is linked or loaded.
  .executableTarget(
    name: "homebed-launcher", path: "Sources/Commands/homebed-launcher",
    linkerSettings: [.unsafeFlags(["-nostartfiles", "-static-executable"])]),
]

let tests: [Target] = [
  .tests(of: "Octets"),
  .tests(of: "JSONText", ["Octets"]),
  .tests(of: "HTTPWire", ["Octets"]),
  .tests(of: "Packets", ["Octets", "CaptureFiles"]),
  .tests(of: "CaptureFiles", ["Octets"]),
  .tests(of: "SSDP", ["Octets", "Packets", "CaptureFiles"]),
  .tests(of: "STUN", ["Octets"]),
  .tests(of: "HTIP", ["Octets", "Packets", "CaptureFiles"]),
  .tests(of: "UPnPDescription", ["Octets"]),
  .tests(of: "SOAP", ["Octets", "UPnPDescription"]),
  .tests(of: "Taps", ["Octets"]),
  .tests(of: "Messages"),
  .tests(of: "Trace", ["Messages", "CaptureFiles", "Packets", "JSONText", "Octets"]),
  .tests(of: "RoleKit", ["Messages"]),
  .tests(of: "CEAgentRole", ["RoleKit", "Messages"]),
  .tests(of: "ConfiguratorRole", ["RoleKit", "Messages"]),
  .tests(of: "MobileClientRole", ["RoleKit", "Messages"]),
  .tests(of: "ServiceServerRole", ["RoleKit", "Messages"]),
  .tests(of: "HomeGatewayRole", ["RoleKit", "Messages"]),
  .tests(of: "HomeSwitchRole", ["RoleKit", "Messages"]),
  .tests(of: "LinuxNetwork"),
  .tests(of: "Transports", ["RoleKit", "Messages", "Taps", "LinuxNetwork"]),
  .tests(of: "Translation", ["RoleKit", "Messages", "Packets", "Octets"]),
  .tests(of: "ManagementStore", ["RoleKit", "Messages", .product(name: "GRDB", package: "GRDB.swift")]),
  .tests(of: "RoleHost", ["RoleKit", "Messages", "ManagementStore"]),
  .tests(of: "LanguageKit", ["Octets"]),
  .tests(of: "TopologyLanguage", ["LanguageKit", "Octets"]),
  .tests(of: "Drawings", ["TopologyLanguage", "LanguageKit"], resources: [.copy("torture.topology")]),
  .tests(of: "ScenarioLanguage", ["LanguageKit", "TopologyLanguage", "Messages", "Octets"]),
  .tests(of: "TraceChecker", ["ScenarioLanguage", "TopologyLanguage", "LanguageKit", "Messages"]),
  .tests(of: "Backends", ["TopologyLanguage", "LanguageKit", "LinuxNetwork", "CaptureFiles", "Octets"]),
  .tests(of: "Reports", ["TraceChecker", "Messages"]),
  .tests(
    of: "Runner",
    [
      "ScenarioLanguage", "TopologyLanguage", "LanguageKit", "LinuxNetwork", "Messages", "JSONText", "Octets",
      "Packets",
      "Trace", "TraceChecker", "Backends",
    ]),
]

let package = Package(
  name: "homebed",
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: wire + messages + roles + platform + edges + testbed + commands + tests
)
