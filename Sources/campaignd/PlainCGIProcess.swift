import CampaignAPI
import FastCGI
import FolderStore
import Glibc
import HTTPTypes
import Logging
import Messages
import Records
import Threads

/// A process for one request: everything that it is told is in the environment.
enum PlainCGIProcess {
    static func run() {
        // lighttpd ends a program as soon as it has the answer, and what was changed has still to be brought to the disk.
        signal(SIGTERM, SIG_IGN)
        do {
            let logger = try Settings.logger()
            var configuration = try Settings.configuration()
            let sendsMail = try Settings.mail() != nil
            let folder = try Settings.folder(nil)
            folder.closeToOthers(logger)
            let store = try FolderStore(folder, CampaignJSON(), logger: logger, watching: false)
            let isMessageSent = Monitor(false)
            configuration.encodes = false
            configuration.messageSent = { isMessageSent.update { $0 = true } }
            let api = API(store, configuration, logger: logger)
            PlainCGI.serve(api)
            api.reportRefusedTokens(isEnd: true)
            if isMessageSent.update({ $0 }) { deliver(store, byMail: sendsMail, logger) }
            store.writeCache()
        } catch {
            Failure.report((error as? Failure)?.message ?? (error as? StoreUnavailable)?.detail ?? "\(error)")
            PlainCGI.send(API.notConfigured)
        }
    }

    /// Delivers what was just sent, as there may be nobody else to do it. E-mails take long: they wait for `deliver`.
    private static func deliver(_ store: FolderStore, byMail: Bool, _ logger: Logger) {
        do {
            try store.deliverMessages(byMail: byMail, logger: logger)
        } catch {
            Failure.report("messages cannot be delivered: \(error)")
        }
    }
}
