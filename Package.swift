// swift-tools-version: 6.1

import PackageDescription

let strict: [SwiftSetting] = [
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
    .enableUpcomingFeature("ExistentialAny"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
    .enableUpcomingFeature("MemberImportVisibility"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "campaignd",
    products: [.executable(name: "campaignd", targets: ["campaignd"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .systemLibrary(name: "CBrotli", pkgConfig: "libbrotlienc", providers: [.apt(["libbrotli-dev"])]),
        .systemLibrary(name: "CCmark", pkgConfig: "libcmark", providers: [.apt(["libcmark-dev"])]),
        .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
        .systemLibrary(name: "CFCGI", pkgConfig: "fcgi", providers: [.apt(["libfcgi-dev"])]),
        .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
        .systemLibrary(name: "CLinux"),
        .target(name: "CStart", publicHeadersPath: "."),

        .target(name: "Threads", dependencies: ["CLinux"], swiftSettings: strict),
        .target(name: "PostgreSQL", dependencies: ["CLinux", "Threads"], swiftSettings: strict),
        .target(name: "OpenStreetMap", dependencies: ["JSON", "Threads"], swiftSettings: strict),
        .target(name: "JSON", dependencies: ["CJansson"], swiftSettings: strict),
        .target(
            name: "FastCGI",
            dependencies: [
                "CFCGI", "CLinux", "Threads",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(name: "Campaigns", dependencies: ["JSON"], swiftSettings: strict),
        .target(
            name: "Records",
            dependencies: ["Campaigns", .product(name: "Crypto", package: "swift-crypto")], swiftSettings: strict),
        .target(
            name: "RecordIndex",
            dependencies: ["Campaigns", "Records", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: strict),
        .target(
            name: "FolderStore",
            dependencies: [
                "Campaigns", "CLinux", "JSON", "RecordIndex", "Records", "Threads",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "Messages",
            dependencies: [
                "CCmark", "CLinux", "Campaigns", "JSON", "Records",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "Transfer", dependencies: ["Campaigns", "JSON", "PostgreSQL", "Records"], swiftSettings: strict),
        .target(
            name: "DatabaseStore",
            dependencies: ["Campaigns", "JSON", "PostgreSQL", "RecordIndex", "Records", "Threads"],
            resources: [
                .embedInCode("Schema/tables.sql"), .embedInCode("Schema/triggers.sql"),
                .embedInCode("Schema/index.sql"),
            ],
            swiftSettings: strict),
        .target(
            name: "CampaignAPI",
            dependencies: [
                "CBrotli", "CDeflate", "Campaigns", "FastCGI", "JSON", "Messages", "OpenStreetMap", "Records",
                "Threads",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            resources: [.embedInCode("openapi.json")], swiftSettings: strict),
        .executableTarget(
            name: "campaignd",
            dependencies: [
                "CStart", "CampaignAPI", "Campaigns", "DatabaseStore", "FastCGI", "FolderStore", "JSON", "Messages",
                "OpenStreetMap", "PostgreSQL", "Records", "Threads", "Transfer",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            resources: [.embedInCode("Demo/demo.json"), .embedInCode("Demo/logos")], swiftSettings: strict),

        .target(
            name: "TestSupport",
            dependencies: ["FastCGI", "FolderStore", "JSON", "Records"], path: "Tests/Support",
            exclude: ["tasking-manager.sql"]),
        .target(
            name: "Fuzz",
            dependencies: [
                "CampaignAPI", "Campaigns", "FastCGI", "FolderStore", "JSON", "Messages", "Records", "TestSupport",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/Fuzz"),
        .testTarget(name: "FuzzTests", dependencies: ["Fuzz", "TestSupport"]),
        .testTarget(
            name: "ContractTests",
            dependencies: [
                "CampaignAPI", "Campaigns", "DatabaseStore", "FastCGI", "FolderStore", "JSON", "Messages",
                "OpenStreetMap", "PostgreSQL", "Records", "TestSupport", "campaignd",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/Contract",
            exclude: ["Cases", "Fixture", "README.md", "users.json"]),
        .testTarget(
            name: "EndToEndTests", dependencies: ["TestSupport", "campaignd"], path: "Tests/EndToEnd",
            exclude: ["browser.py", "page.py", "systemd.sh", "trap.js"]),
        .testTarget(name: "JSONTests", dependencies: ["JSON", "TestSupport"]),
        .testTarget(
            name: "FastCGITests",
            dependencies: [
                "FastCGI", "TestSupport",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(name: "CampaignsTests", dependencies: ["Campaigns", "JSON"]),
        .testTarget(
            name: "FolderStoreTests",
            dependencies: [
                "CampaignAPI", "Campaigns", "FolderStore", "JSON", "Messages", "RecordIndex", "Records", "TestSupport",
                "campaignd",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(
            name: "MessagesTests",
            dependencies: ["CampaignAPI", "Campaigns", "FolderStore", "Messages", "Records", "TestSupport"],
            exclude: ["elements.py", "mails.py", "scripting-inputs.json"]),
        .testTarget(name: "TransferTests", dependencies: ["TestSupport", "campaignd"]),
        .testTarget(name: "PostgreSQLTests", dependencies: ["PostgreSQL", "TestSupport", "Threads"]),
        .testTarget(
            name: "DatabaseStoreTests",
            dependencies: [
                "CampaignAPI", "Campaigns", "DatabaseStore", "PostgreSQL", "Records", "TestSupport", "Threads",
                "campaignd",
            ]),
        .testTarget(
            name: "CampaignAPITests",
            dependencies: [
                "CDeflate", "CampaignAPI", "Campaigns", "FastCGI", "FolderStore", "Messages", "OpenStreetMap",
                "Records", "TestSupport",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)

// It links only with libFuzzer, as `Tests/torture` builds it.
if Context.environment["WITH_LIBFUZZER"] != nil {
    package.targets.append(.executableTarget(name: "fuzzer", dependencies: ["Fuzz"], path: "Tests/LibFuzzer"))
}
