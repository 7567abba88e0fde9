import Foundation
import TestSupport

/// A data folder, which is not there yet, and the command on it.
struct Fixture {
    let folder: TemporaryFolder
    var data: String { folder.path + "/data" }

    init() throws {
        folder = try TemporaryFolder()
    }

    func campaignd(
        _ arguments: [String], _ environment: [String: String?] = [:], input: String? = nil
    ) throws -> Command.Outcome {
        var variables: [String: String?] = ["CAMPAIGNS_DATA": nil, "LOG_LEVEL": nil]
        variables.merge(environment) { $1 }
        return try Command.run(
            Repository.campaignd.path, arguments, environment: variables, input: input.map { Data($0.utf8) })
    }

    /// Runs `campaignd import`.
    func take(
        _ source: String, _ arguments: String..., environment: [String: String?] = [:], input: String? = nil
    ) throws -> Command.Outcome {
        try campaignd(["import", source, "--data", data] + arguments, environment, input: input)
    }

    func export() throws -> String {
        let outcome = try campaignd(["export", "--data", data])
        guard outcome.status == 0, outcome.errors.isEmpty else { throw Command.Failed(description: outcome.errors) }
        return outcome.text
    }

    /// A token of the service in tests.
    func token(_ user: Int) throws -> String {
        try campaignd(["token", "\(user)"], ["TM_SECRET": Daemon.secret]).text
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func write(_ text: String, _ file: String) throws { try folder.write(text, to: "data/\(file)") }
    func read(_ file: String) throws -> String { try folder.read("data/\(file)") }

    /// A text in a record.
    func value(_ file: String, _ key: String) throws -> String? {
        let json = try JSONSerialization.jsonObject(with: Data(try read(file).utf8)) as? [String: Any]
        return json?[key] as? String
    }

    /// Every record with what is in it.
    func files() throws -> [String: String] { try everything().filter { $0.key.hasSuffix(".json") } }

    /// Every file with what is in it.
    func everything() throws -> [String: String] {
        var files: [String: String] = [:]
        for case let path as String in FileManager.default.enumerator(atPath: data) ?? .init() {
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: "\(data)/\(path)", isDirectory: &isFolder)
            files[path] = isFolder.boolValue ? "" : try read(path)
        }
        return files
    }

    /// The number of each record's file, which is another one when the file has been written anew.
    func inodes() throws -> [String: UInt64] {
        try files().reduce(into: [:]) { inodes, file in
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(data)/\(file.key)")
            inodes[file.key] = (attributes[.systemFileNumber] as? NSNumber)?.uint64Value
        }
    }
}
