internal import Campaigns
internal import Glibc
public import Records

extension FolderStore {
    public func recipients(ofMessage id: Int) throws(StoreUnavailable) -> [Int] {
        let complaint = "The recipients of a message cannot be read"
        let file = try StoreUnavailable.mapError(complaint) { () throws(SystemError) in
            try RecordFile(folder.file(.deliveries, id))
        }
        switch file {
        case .missing: return []
        case .unreadable: throw StoreUnavailable(complaint)
        case .bytes(let bytes, _):
            guard let ids = try? RecipientList.all(file: bytes, id: id) else { throw StoreUnavailable(complaint) }
            return ids
        }
    }

    public func mailLock() throws(StoreUnavailable) -> AnyObject? {
        do throws(SystemError) {
            let file = try Descriptor(folder.mailLock, O_RDWR | O_CREAT, mode: 0o600)
            try file.inherit(from: folder.directory(.messages))
            return flock(file.number, LOCK_EX | LOCK_NB) == 0 ? MailLock(file: file) : nil
        } catch {
            // No folder, no messages, no e-mails.
            if error.code == ENOENT { return nil }
            throw StoreUnavailable("The data folder cannot be locked", error)
        }
    }
}

/// The exclusive flock of the process that sends e-mails, for as long as this lives.
final class MailLock {
    private let file: Descriptor

    fileprivate init(file: consuming Descriptor) {
        self.file = file
    }
}
