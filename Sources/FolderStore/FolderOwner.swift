internal import CLinux
internal import Glibc
public import Records

extension DataFolder {
    /// A data folder to work on, as the user whose folder it is.
    ///
    /// Whoever is root becomes that user, with the user's groups, for good: a link or a forged journal in the folder then leads
    /// nowhere that its owner could not go. There is no other way to a data folder from outside of this module, so that no
    /// command can forget it. A folder that is not there yet is of whoever owns the folder in which it is going to be.
    ///
    /// - Throws: ``StoreUnavailable`` when it cannot be found out whose it is, or root may not become that user.
    public init(asOwnerOf path: String) throws(StoreUnavailable) {
        self.init(path)
        guard geteuid() == 0 else { return }
        let folder = try Self.nearest(self.path)
        guard folder.st_uid != 0 else { return }
        let (group, all) = Account.groups(of: folder)
        guard setgroups(all.count, all) == 0, setgid(group) == 0, setuid(folder.st_uid) == 0 else {
            throw StoreUnavailable(
                "root cannot become user \(folder.st_uid), whose folder it is", SystemError("setuid \(folder.st_uid)"))
        }
    }

    /// The folder, or the first one above that is there.
    private static func nearest(_ path: String) throws(StoreUnavailable) -> stat {
        var path = path
        var status = stat()
        while stat(path, &status) != 0 {
            let error = SystemError("stat \(path)")
            guard [ENOENT, ENOTDIR].contains(error.code), let slash = path.lastIndex(of: "/"), path.count > 1 else {
                throw StoreUnavailable("The data folder cannot be found", error)
            }
            path = String(path[..<slash])
            if path.isEmpty { path = "/" }
        }
        return status
    }
}

/// What the system's files say of a user. They are read as such: a static program has no other way, and needs none.
private enum Account {
    /// The group of a folder's owner, and all that the owner is in. One whom the files do not know has the group of the
    /// folder, unless it is root's.
    static func groups(of folder: stat) -> (main: gid_t, all: [gid_t]) {
        guard let (name, group) = user(folder.st_uid) else {
            let group = folder.st_gid == 0 ? nobody : folder.st_gid
            return (group, [group])
        }
        return (group, [group] + others(of: name).filter { $0 != group })
    }

    private static let nobody: gid_t = 65_534

    private static func user(_ id: uid_t) -> (name: String, group: gid_t)? {
        guard let file = fopen("/etc/passwd", "re") else { return nil }
        defer { fclose(file) }
        while let entry = fgetpwent(file) {
            if entry.pointee.pw_uid == id { return (String(cString: entry.pointee.pw_name), entry.pointee.pw_gid) }
        }
        return nil
    }

    private static func others(of name: String) -> [gid_t] {
        guard let file = fopen("/etc/group", "re") else { return [] }
        defer { fclose(file) }
        var groups: [gid_t] = []
        while let entry = fgetgrent(file) {
            var member = entry.pointee.gr_mem
            while let text = member?.pointee {
                if String(cString: text) == name { groups.append(entry.pointee.gr_gid) }
                member = member?.advanced(by: 1)
            }
        }
        return groups
    }
}
