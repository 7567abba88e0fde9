internal import HTTPTypes

extension API {
    /// Every endpoint: its method, its path, who may use it, and the function that answers.
    static let routes: [Route] = [
        Route(.get, "/campaigns/", .anyone, listCampaigns),
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

        Route(.get, "/projects/{project_id}/campaigns/", .anyone, listProjectCampaigns),
        Route(.post, "/projects/{project_id}/campaigns/{campaign_id}/", .managerOfProject, linkProject),
        Route(.delete, "/projects/{project_id}/campaigns/{campaign_id}/", .managerOfProject, unlinkProject),

        Route(.get, "/organisations/{organisation_id}/campaigns/", .anyone, listOrganisationCampaigns),
        Route(
            .post, "/organisations/{organisation_id}/campaigns/{campaign_id}/", .managerOfOrganisation,
            linkOrganisation),
        Route(
            .delete, "/organisations/{organisation_id}/campaigns/{campaign_id}/", .managerOfOrganisation,
            unlinkOrganisation),

        Route(.get, "/system/heartbeat/", .anyone, heartbeat),
        Route(.get, "/system/docs/json/", .anyone, documentation),
    ]
}
