internal import HTTPTypes

extension API {
    /// Every endpoint: its method, its path, who may use it, and the function that answers.
    static let routes: [Route] = table.enumerated().map { number, route in
        var route = route
        route.number = number
        return route
    }

    private static let table = [
        Route(.get, "/campaigns/", .anyone, reads: ["details"], listCampaigns),
        Route(
            .post, "/campaigns/",
            .organisationManager(otherwise: "CampaignsAllAPI POST: User not a Org Manager"), createCampaign),
        Route(.get, "/campaigns/{campaign_id}/", .anyone, getCampaign),
        Route(
            .patch, "/campaigns/{campaign_id}/",
            .organisationManager(otherwise: "CampaignsRestAPI PATCH: User not a Org Manager"), updateCampaign),
        Route(
            .delete, "/campaigns/{campaign_id}/",
            .organisationManager(otherwise: "CampaignsRestAPI DELETE: User not a Org Manager"), deleteCampaign),

        Route(
            .get, "/campaigns/changes/",
            .organisationManager(otherwise: "CampaignsRestAPI CHANGES: User not a Org Manager"), listChanges),
        Route(
            .get, "/campaigns/{campaign_id}/changes/",
            .organisationManager(otherwise: "CampaignsRestAPI CHANGES: User not a Org Manager"), listCampaignChanges),

        Route(
            .get, "/campaigns/{campaign_id}/actions/message-contributors/",
            .admin(otherwise: "This endpoint action is restricted to ADMIN users."), listCampaignMessages),
        Route(
            .post, "/campaigns/{campaign_id}/actions/message-contributors/",
            .admin(otherwise: "This endpoint action is restricted to ADMIN users."), messageContributors),

        Route(
            .get, "/projects/", .anyoneKnown,
            reads: ["page", "campaign", "organisationName", "organisationId", "textSearch", "managedByMe"],
            listProjects),
        Route(.get, "/projects/{project_id}/campaigns/", .anyone, listProjectCampaigns),
        Route(.post, "/projects/{project_id}/campaigns/{campaign_id}/", .managerOfProject, linkProject),
        Route(.delete, "/projects/{project_id}/campaigns/{campaign_id}/", .managerOfProject, unlinkProject),

        Route(
            .get, "/organisations/", .anyoneKnown, reads: ["manager_user_id", "omitManagerList"], listOrganisations),
        Route(.get, "/organisations/{id_or_slug}/", .anyoneKnown, reads: ["omitManagerList"], getOrganisation),
        Route(.get, "/organisations/{organisation_id}/campaigns/", .anyone, listOrganisationCampaigns),
        Route(
            .post, "/organisations/{organisation_id}/campaigns/{campaign_id}/", .managerOfOrganisation,
            linkOrganisation),
        Route(
            .delete, "/organisations/{organisation_id}/campaigns/{campaign_id}/", .managerOfOrganisation,
            unlinkOrganisation),

        Route(.get, "/users/{user_id}/", .signedIn, getUser),
        Route(.get, "/users/queries/{username}/", .signedIn, getUserByName),
        Route(.get, "/users/queries/filter/{text}/", .signedIn, findUsers),
        Route(.patch, "/users/me/actions/set-user/", .withRecord, changeOwnUser),

        Route(.get, "/notifications/", .signedIn, listNotifications),
        Route(.get, "/notifications/{message_id}/", .signedIn, getNotification),
        Route(.delete, "/notifications/{message_id}/", .signedInToChange, deleteNotification),
        Route(.get, "/notifications/queries/own/count-unread/", .signedIn, countUnread),
        Route(.post, "/notifications/queries/own/post-unread/", .signedInToChange, postUnread),
        Route(.post, "/notifications/mark-as-read-all/", .signedInToChange, markAllAsRead),
        Route(.post, "/notifications/mark-as-read-multiple/", .signedInToChange, markAsRead),
        Route(.delete, "/notifications/delete-all/", .signedInToChange, deleteAllNotifications),
        Route(.delete, "/notifications/delete-multiple/", .signedInToChange, deleteNotifications),

        Route(.get, "/system/authentication/login/", .anyone, isSignIn: true, login),
        Route(.get, "/system/authentication/callback/", .anyone, isSignIn: true, callback),

        Route(.get, "/system/heartbeat/", .anyone, heartbeat),
        Route(.get, "/system/docs/json/", .anyone, documentation),
        Route(.get, "/system/metrics/", .anyone, metrics),
        Route(
            .post, "/system/image-upload/",
            .organisationManager(otherwise: "User is not admin or organisation manager"), bodyLimit: imageBodyLimit,
            uploadImage),
    ]
}
