import CampaignAPI
import CampaignStore
import FastCGI
import Glibc
import HTTPTypes

/// A process for one request: everything that it is told is in the environment.
enum PlainCGIProcess {
    static func run() {
        do {
            let logger = try Settings.logger()
            let store = try Store(Settings.dataFolder(nil), logger: logger, watching: false)
            let configuration = Configuration(
                secret: try Settings.secret(file: Settings.environment("TM_SECRET_FILE")),
                allowedOrigins: Settings.allowedOrigins, appBaseURL: Settings.appBaseURL)
            PlainCGI.serve(API(store, configuration, logger: logger), bodyLimit: API.bodyLimit)
        } catch {
            let reason = (error as? Failure)?.message ?? (error as? FolderUnavailable)?.detail ?? "\(error)"
            let line = Array("campaignd: \(reason)\n".utf8)
            _ = write(STDERR_FILENO, line, line.count)
            PlainCGI.send(API.notConfigured)
        }
    }
}
