extension User {
    /// Whether this user may change what belongs to an organisation.
    public func mayChange(_ organisation: Organisation) -> Bool { role != .readOnly && manages(organisation) }

    /// Whether this user manages an organisation: an admin, or one of its managers.
    public func manages(_ organisation: Organisation) -> Bool {
        role == .admin || organisation.managers.contains(id)
    }

    /// Whether this user manages a project: an admin, its author, a manager of its organisation, or one of its managers.
    ///
    /// - Parameter organisation: the project's organisation, when it has one that exists.
    public func manages(_ project: Project, of organisation: Organisation?) -> Bool {
        role == .admin || project.author == id || project.managers.contains(id)
            || organisation.map { $0.managers.contains(id) } ?? false
    }
}
