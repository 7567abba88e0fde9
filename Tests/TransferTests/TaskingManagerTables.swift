import TestSupport

extension PrivateCluster {
    /// A Tasking Manager's database, which nobody else uses, and in which only what matters has to be said of a record.
    func taskingManager(_ sql: String) throws -> Database {
        try taskingManager(filledBy: Self.defaults + sql)
    }

    private static let defaults = """
        ALTER TABLE users ALTER role SET DEFAULT 0, ALTER mapping_level SET DEFAULT 1, ALTER tasks_mapped SET DEFAULT 0,
          ALTER tasks_validated SET DEFAULT 0, ALTER tasks_invalidated SET DEFAULT 0,
          ALTER projects_comments_notifications SET DEFAULT false, ALTER tasks_comments_notifications SET DEFAULT false,
          ALTER teams_announcement_notifications SET DEFAULT true, ALTER is_email_verified SET DEFAULT false;
        ALTER TABLE organisations ALTER type SET DEFAULT 1;
        ALTER TABLE projects ALTER status SET DEFAULT 2, ALTER created SET DEFAULT now(), ALTER difficulty SET DEFAULT 2,
          ALTER default_locale SET DEFAULT 'en', ALTER total_tasks SET DEFAULT 0, ALTER tasks_mapped SET DEFAULT 0,
          ALTER tasks_validated SET DEFAULT 0, ALTER tasks_bad_imagery SET DEFAULT 0, ALTER geometry SET DEFAULT '',
          ALTER centroid SET DEFAULT '', ALTER task_creation_mode SET DEFAULT 0;
        ALTER TABLE teams ALTER join_method SET DEFAULT 0;
        ALTER TABLE team_members ALTER function SET DEFAULT 2, ALTER join_request_notifications SET DEFAULT false;

        """
}
