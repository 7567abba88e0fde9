internal import CampaignStore
internal import HTTPTypes
internal import JSON

extension API {
    @Sendable static func documentation(_ call: Call) throws -> Answer {
        Answer(try documentationOfRoutes.get())
    }

    private static let documentationOfRoutes = Result {
        Representation(try Documentation.openAPI(of: routes).compact)
    }
}

/// The API as an OpenAPI 3.1 document: https://spec.openapis.org/oas/v3.1.1
enum Documentation {
    /// Everything below that is in a route table, and nothing that is not.
    ///
    /// - Throws: ``JSONError`` when a text below is no JSON.
    static func openAPI(of routes: [Route]) throws(JSONError) -> JSONValue {
        var tags: [JSONValue] = []
        var paths = JSONObject()
        var components = try object(Self.components)
        for section in [campaigns, projects, organisations, messages, service] {
            let documented = try section.paths(of: routes)
            guard !documented.members.isEmpty else { continue }
            tags.append(["name": .string(section.tag), "description": .string(section.description)])
            paths = paths.merging(documented)
            components = components.merging(try object(section.components))
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Tasking Manager campaigns", "version": .string(version), "description": .string(introduction),
            ],
            "servers": [["url": .string(API.base)]],
            "tags": .array(tags),
            "paths": .object(paths),
            "components": .object(components),
        ]
    }

    /// Endpoints that belong together.
    private struct Section {
        let tag: String
        let description: String
        /// The members of `paths`, without what every operation has.
        let paths: String
        /// The members of `components` that only these paths use.
        var components = "{}"

        /// The paths and methods that are in a route table.
        func paths(of routes: [Route]) throws(JSONError) -> JSONObject {
            var paths = JSONObject()
            for path in try object(self.paths).members {
                guard case .object(let members) = path.value else { continue }
                let methods = routes.filter { $0.path == path.name }.map { $0.method.rawValue.lowercased() }
                guard members.members.contains(where: { methods.contains($0.name) }) else { continue }
                var item = JSONObject()
                for member in members.members {
                    if methods.contains(member.name) {
                        item.append(member.name, complete(member.value))
                    } else if member.name == "parameters" {
                        item.append(member.name, member.value)
                    }
                }
                paths.append(path.name, .object(item))
            }
            return paths
        }

        /// An operation with what all have in common.
        private func complete(_ operation: JSONValue) -> JSONValue {
            guard case .object(let members) = operation else { return operation }
            var completed: JSONObject = ["tags": [.string(tag)]]
            for member in members.members {
                guard member.name == "responses", case .object(var responses) = member.value else {
                    completed.append(member.name, member.value)
                    continue
                }
                var common = Documentation.responsesOfAll
                if responses["401"] != nil { common.append(("429", "TooManyRequests")) }
                for (status, response) in common where responses[status] == nil {
                    responses.append(status, ["$ref": .string("#/components/responses/\(response)")])
                }
                completed.append(member.name, .object(responses))
            }
            return .object(completed)
        }
    }

    private static let responsesOfAll = [
        ("405", "MethodNotAllowed"), ("502", "BadGateway"), ("503", "Unavailable"), ("504", "GatewayTimeout"),
    ]

    private static func object(_ text: String) throws(JSONError) -> JSONObject {
        guard case .object(let object) = try JSONValue(parsing: Array(text.utf8)) else { return JSONObject() }
        return object
    }

    private static let introduction = """
        Campaigns, and their links to projects and organisations.

        Every path is served with and without the slash at its end. HEAD is GET without the body; OPTIONS answers 204 \
        with `Allow`. Query parameters and keys of a body that are not named here are ignored. A body has at most \
        1 MiB. Where authentication is not required, the `Authorization` header is not looked at.

        Answers to GET carry an `ETag`, and `If-None-Match` is honoured.
        """
}

// MARK: Campaigns

extension Documentation {
    private static let campaigns = Section(
        tag: "campaigns", description: "Labels that tie projects and organisations together.",
        paths: #"""
            {
              "/campaigns/": {
                "get": {
                  "operationId": "listCampaigns",
                  "summary": "List all campaigns, by rising id",
                  "parameters": [{"$ref": "#/components/parameters/IfNoneMatch"}],
                  "responses": {
                    "200": {"$ref": "#/components/responses/CampaignList"},
                    "304": {"$ref": "#/components/responses/NotModified"}
                  }
                },
                "post": {
                  "operationId": "createCampaign",
                  "summary": "Create a campaign",
                  "description": "For users who manage at least one organisation.",
                  "security": [{"token": []}],
                  "requestBody": {
                    "required": true,
                    "content": {
                      "application/json": {
                        "schema": {"$ref": "#/components/schemas/NewCampaign"},
                        "example": {
                          "name": "Bridges of the Eastern Valleys",
                          "logo": "/logos/villages.svg",
                          "url": "https://bridges.example.org/",
                          "description": "Which bridges carry a truck, and which only people.",
                          "organisations": [1]
                        }
                      }
                    }
                  },
                  "responses": {
                    "201": {
                      "description": "Created",
                      "headers": {"Location": {"$ref": "#/components/headers/Location"}},
                      "content": {
                        "application/json": {
                          "schema": {
                            "type": "object",
                            "required": ["campaignId"],
                            "properties": {"campaignId": {"$ref": "#/components/schemas/Id"}}
                          },
                          "example": {"campaignId": 5}
                        }
                      },
                      "links": {
                        "get": {
                          "operationId": "getCampaign",
                          "parameters": {"campaign_id": "$response.body#/campaignId"}
                        },
                        "update": {
                          "operationId": "updateCampaign",
                          "parameters": {"campaign_id": "$response.body#/campaignId"}
                        },
                        "delete": {
                          "operationId": "deleteCampaign",
                          "parameters": {"campaign_id": "$response.body#/campaignId"}
                        }
                      }
                    },
                    "400": {"$ref": "#/components/responses/InvalidData"},
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"},
                    "404": {"$ref": "#/components/responses/NotFound"},
                    "409": {
                      "description": "Another campaign has this name",
                      "content": {
                        "application/json": {
                          "schema": {"$ref": "#/components/schemas/Error"},
                          "example": {"Error": "Campaign name already exists", "SubCode": "NameExists"}
                        }
                      }
                    },
                    "413": {"$ref": "#/components/responses/PayloadTooLarge"}
                  }
                }
              },
              "/campaigns/{campaign_id}/": {
                "parameters": [{"$ref": "#/components/parameters/CampaignId"}],
                "get": {
                  "operationId": "getCampaign",
                  "summary": "Get a campaign",
                  "parameters": [{"$ref": "#/components/parameters/IfNoneMatch"}],
                  "responses": {
                    "200": {
                      "description": "The campaign",
                      "headers": {
                        "ETag": {"$ref": "#/components/headers/ETag"},
                        "Cache-Control": {"$ref": "#/components/headers/CacheControl"}
                      },
                      "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Campaign"}}}
                    },
                    "304": {"$ref": "#/components/responses/NotModified"},
                    "400": {"$ref": "#/components/responses/InvalidData"},
                    "404": {"$ref": "#/components/responses/NotFound"}
                  }
                },
                "patch": {
                  "operationId": "updateCampaign",
                  "summary": "Change a campaign",
                  "description": "For users who manage at least one organisation. A field that is absent stays as it is; the whole object that GET gives may be sent back.",
                  "security": [{"token": []}],
                  "parameters": [{"$ref": "#/components/parameters/IfMatch"}],
                  "requestBody": {
                    "required": true,
                    "content": {
                      "application/json": {
                        "schema": {"$ref": "#/components/schemas/CampaignChange"},
                        "example": {"description": "Which bridges carry a truck, and which only a mule.", "logo": null}
                      }
                    }
                  },
                  "responses": {
                    "200": {
                      "description": "Changed",
                      "content": {
                        "application/json": {
                          "schema": {"$ref": "#/components/schemas/Success"},
                          "example": {"Success": "Campaign 5 updated"}
                        }
                      }
                    },
                    "400": {
                      "description": "The body is wrong, or another campaign has this name (NameExists)",
                      "content": {
                        "application/json": {
                          "schema": {"$ref": "#/components/schemas/Error"},
                          "example": {"Error": "Campaign PATCH - name already exists", "SubCode": "NameExists"}
                        }
                      }
                    },
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"},
                    "404": {"$ref": "#/components/responses/NotFound"},
                    "412": {"$ref": "#/components/responses/PreconditionFailed"},
                    "413": {"$ref": "#/components/responses/PayloadTooLarge"}
                  }
                },
                "delete": {
                  "operationId": "deleteCampaign",
                  "summary": "Delete a campaign, and its links to projects and organisations",
                  "description": "For users who manage at least one organisation.",
                  "security": [{"token": []}],
                  "parameters": [{"$ref": "#/components/parameters/IfMatch"}],
                  "responses": {
                    "200": {
                      "description": "Deleted",
                      "content": {
                        "application/json": {
                          "schema": {"$ref": "#/components/schemas/Success"},
                          "example": {"Success": "Campaign deleted"}
                        }
                      }
                    },
                    "400": {"$ref": "#/components/responses/InvalidData"},
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"},
                    "404": {"$ref": "#/components/responses/NotFound"},
                    "412": {"$ref": "#/components/responses/PreconditionFailed"},
                    "413": {"$ref": "#/components/responses/PayloadTooLarge"}
                  }
                }
              }
            }
            """#,
        components: #"""
            {
              "schemas": {
                "Campaign": {
                  "type": "object",
                  "required": ["id", "name", "logo", "url", "description", "organisations"],
                  "properties": {
                    "id": {"$ref": "#/components/schemas/Id"},
                    "name": {"type": "string", "minLength": 1},
                    "logo": {"type": ["string", "null"]},
                    "url": {"type": ["string", "null"]},
                    "description": {"type": ["string", "null"]},
                    "organisations": {
                      "type": "array",
                      "description": "In the order in which they were given.",
                      "items": {
                        "type": "object",
                        "required": ["organisationId", "name", "slug", "logo", "url"],
                        "properties": {
                          "organisationId": {"$ref": "#/components/schemas/Id"},
                          "name": {"type": ["string", "null"]},
                          "slug": {"type": ["string", "null"]},
                          "logo": {"type": ["string", "null"]},
                          "url": {"type": ["string", "null"]}
                        }
                      }
                    }
                  }
                },
                "NewCampaign": {
                  "type": "object",
                  "required": ["name"],
                  "properties": {
                    "name": {"$ref": "#/components/schemas/CampaignName"},
                    "logo": {"$ref": "#/components/schemas/Link"},
                    "url": {"$ref": "#/components/schemas/Link"},
                    "description": {"$ref": "#/components/schemas/OptionalText"},
                    "organisations": {"$ref": "#/components/schemas/CampaignOrganisations"}
                  },
                  "propertyNames": {"$ref": "#/components/schemas/Text"},
                  "additionalProperties": {"$ref": "#/components/schemas/Ignored"}
                },
                "CampaignChange": {
                  "type": "object",
                  "properties": {
                    "name": {"$ref": "#/components/schemas/CampaignName"},
                    "logo": {"$ref": "#/components/schemas/Link"},
                    "url": {"$ref": "#/components/schemas/Link"},
                    "description": {"$ref": "#/components/schemas/OptionalText"},
                    "organisations": {"$ref": "#/components/schemas/CampaignOrganisations"}
                  },
                  "propertyNames": {"$ref": "#/components/schemas/Text"},
                  "additionalProperties": {"$ref": "#/components/schemas/Ignored"}
                },
                "CampaignName": {
                  "type": "string",
                  "description": "1 to 255 characters without control characters, after white space around them is cut.",
                  "minLength": 1,
                  "pattern": "^[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]*[^\\u0000- \\u007f-\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]([^\\u0000-\\u001f\\u007f-\\u009f]{0,253}[^\\u0000- \\u007f-\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000])?[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]*$"
                },
                "Link": {
                  "type": ["string", "null"],
                  "description": "http, https, or relative such as /logos/a.png; no control characters. The empty text is null.",
                  "pattern": "^(?![ \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]*(?![hH][tT][tT][pP][sS]?:)[A-Za-z][A-Za-z0-9+.-]*:)[^\\u0000-\\u001f\\u007f-\\u009f]*$"
                },
                "OptionalText": {
                  "type": ["string", "null"],
                  "pattern": "^[^\\u0000]*$"
                },
                "CampaignOrganisations": {
                  "type": ["array", "null"],
                  "description": "Ids of organisations, or objects as GET gives them. Repeats collapse; null changes nothing.",
                  "items": {
                    "oneOf": [
                      {"$ref": "#/components/schemas/Id"},
                      {
                        "type": "object",
                        "required": ["organisationId"],
                        "properties": {"organisationId": {"$ref": "#/components/schemas/Id"}},
                        "propertyNames": {"$ref": "#/components/schemas/Text"},
                        "additionalProperties": {"$ref": "#/components/schemas/Ignored"}
                      }
                    ]
                  }
                }
              }
            }
            """#)
}

// MARK: Links

extension Documentation {
    private static let projects = Section(
        tag: "projects", description: "A project's campaigns.",
        paths: #"""
            {
              "/projects/{project_id}/campaigns/": {
                "parameters": [{"$ref": "#/components/parameters/ProjectId"}],
                "get": {
                  "operationId": "listProjectCampaigns",
                  "summary": "List a project's campaigns, by rising id",
                  "parameters": [{"$ref": "#/components/parameters/IfNoneMatch"}],
                  "responses": {
                    "200": {"$ref": "#/components/responses/CampaignList"},
                    "304": {"$ref": "#/components/responses/NotModified"},
                    "400": {"$ref": "#/components/responses/InvalidData"},
                    "404": {"$ref": "#/components/responses/NotFound"}
                  }
                }
              },
              "/projects/{project_id}/campaigns/{campaign_id}/": {
                "parameters": [
                  {"$ref": "#/components/parameters/ProjectId"},
                  {"$ref": "#/components/parameters/CampaignId"}
                ],
                "post": {
                  "operationId": "linkProject",
                  "summary": "Assign a campaign to a project",
                  "description": "For managers of the project: an admin, its author, a manager of its organisation, or one of its managers. No body is read.",
                  "security": [{"token": []}],
                  "responses": {
                    "200": {
                      "description": "Assigned",
                      "content": {
                        "application/json": {
                          "schema": {"$ref": "#/components/schemas/Success"},
                          "example": {
                            "Success": "campaign with id 5 assigned successfully for project with id 12"
                          }
                        }
                      }
                    },
                    "400": {
                      "description": "Assigned already",
                      "content": {
                        "application/json": {
                          "schema": {"$ref": "#/components/schemas/Error"},
                          "example": {
                            "Error": "Project is already assigned to this campaign",
                            "SubCode": "CampaignAssignmentError"
                          }
                        }
                      }
                    },
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"},
                    "404": {"$ref": "#/components/responses/NotFound"},
                    "413": {"$ref": "#/components/responses/PayloadTooLarge"}
                  }
                },
                "delete": {
                  "operationId": "unlinkProject",
                  "summary": "Take a campaign from a project; both stay",
                  "description": "For managers of the project.",
                  "security": [{"token": []}],
                  "responses": {
                    "200": {
                      "description": "No longer assigned",
                      "content": {
                        "application/json": {
                          "schema": {"$ref": "#/components/schemas/Success"},
                          "example": {"Success": "Campaigns Deleted"}
                        }
                      }
                    },
                    "400": {"$ref": "#/components/responses/InvalidData"},
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"},
                    "404": {"$ref": "#/components/responses/NotFound"},
                    "413": {"$ref": "#/components/responses/PayloadTooLarge"}
                  }
                }
              }
            }
            """#)

    private static let organisations = Section(
        tag: "organisations", description: "An organisation's campaigns: the links that a campaign shows.",
        paths: #"""
            {
              "/organisations/{organisation_id}/campaigns/": {
                "parameters": [{"$ref": "#/components/parameters/OrganisationId"}],
                "get": {
                  "operationId": "listOrganisationCampaigns",
                  "summary": "List an organisation's campaigns, by rising id",
                  "parameters": [{"$ref": "#/components/parameters/IfNoneMatch"}],
                  "responses": {
                    "200": {"$ref": "#/components/responses/CampaignList"},
                    "304": {"$ref": "#/components/responses/NotModified"},
                    "400": {"$ref": "#/components/responses/InvalidData"},
                    "404": {"$ref": "#/components/responses/NotFound"}
                  }
                }
              },
              "/organisations/{organisation_id}/campaigns/{campaign_id}/": {
                "parameters": [
                  {"$ref": "#/components/parameters/OrganisationId"},
                  {"$ref": "#/components/parameters/CampaignId"}
                ],
                "post": {
                  "operationId": "linkOrganisation",
                  "summary": "Assign a campaign to an organisation",
                  "description": "For managers of the organisation: an admin, or one of its managers. No body is read.",
                  "security": [{"token": []}],
                  "responses": {
                    "200": {
                      "description": "Assigned",
                      "content": {
                        "application/json": {
                          "schema": {"$ref": "#/components/schemas/Success"},
                          "example": {"Success": "campaign with id 5 assigned for organisation with id 1"}
                        }
                      }
                    },
                    "400": {
                      "description": "Assigned already",
                      "content": {
                        "application/json": {
                          "schema": {"$ref": "#/components/schemas/Error"},
                          "example": {
                            "Error": "Campaign 5 is already assigned to organisation 1.",
                            "SubCode": "CampaignAlreadyAssigned"
                          }
                        }
                      }
                    },
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"},
                    "404": {"$ref": "#/components/responses/NotFound"},
                    "413": {"$ref": "#/components/responses/PayloadTooLarge"}
                  }
                },
                "delete": {
                  "operationId": "unlinkOrganisation",
                  "summary": "Take a campaign from an organisation; both stay",
                  "description": "For managers of the organisation.",
                  "security": [{"token": []}],
                  "responses": {
                    "200": {
                      "description": "No longer assigned",
                      "content": {
                        "application/json": {
                          "schema": {"$ref": "#/components/schemas/Success"},
                          "example": {"Success": "Organisation and campaign unassociated successfully"}
                        }
                      }
                    },
                    "400": {"$ref": "#/components/responses/InvalidData"},
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"},
                    "404": {"$ref": "#/components/responses/NotFound"},
                    "413": {"$ref": "#/components/responses/PayloadTooLarge"}
                  }
                }
              }
            }
            """#)
}

// MARK: Messages

extension Documentation {
    private static let messages = Section(
        tag: "messages", description: "Messages to a campaign's contributors, and a user's own notifications.",
        paths: #"""
            {
              "/campaigns/{campaign_id}/actions/message-contributors/": {
                "parameters": [{"$ref": "#/components/parameters/CampaignId"}],
                "post": {
                  "operationId": "messageContributors",
                  "summary": "Send a message to everybody who contributed to a project of the campaign",
                  "description": "For platform admins. Answered as soon as the message is stored; delivery goes on in the background.",
                  "security": [{"token": []}],
                  "requestBody": {
                    "required": true,
                    "content": {
                      "application/json": {
                        "schema": {"$ref": "#/components/schemas/NewMessage"},
                        "example": {"subject": "Thank you", "message": "All tasks are **done**."}
                      }
                    }
                  },
                  "responses": {
                    "200": {
                      "description": "Stored",
                      "content": {
                        "application/json": {
                          "schema": {"$ref": "#/components/schemas/Success"},
                          "example": {"Success": "Message sent successfully"}
                        }
                      }
                    },
                    "400": {"$ref": "#/components/responses/InvalidData"},
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"},
                    "404": {"$ref": "#/components/responses/NotFound"},
                    "413": {"$ref": "#/components/responses/PayloadTooLarge"}
                  }
                }
              },
              "/notifications/": {
                "get": {
                  "operationId": "listNotifications",
                  "summary": "List one's own notifications, a page at a time, the newest first",
                  "security": [{"token": []}],
                  "parameters": [
                    {
                      "name": "page",
                      "in": "query",
                      "description": "A page past the end is empty.",
                      "schema": {"type": "integer", "minimum": 1, "maximum": 9223372036854775807, "default": 1}
                    },
                    {
                      "name": "pageSize",
                      "in": "query",
                      "description": "More than 100 counts as 100.",
                      "schema": {"type": "integer", "minimum": 1, "maximum": 9223372036854775807, "default": 10}
                    },
                    {
                      "name": "status",
                      "in": "query",
                      "description": "`read` or `unread`; otherwise both.",
                      "schema": {"type": "string", "examples": ["unread"]}
                    },
                    {
                      "name": "sortBy",
                      "in": "query",
                      "description": "`read`, or otherwise `date`.",
                      "schema": {"type": "string", "default": "date"}
                    },
                    {
                      "name": "sortDirection",
                      "in": "query",
                      "description": "`asc`, or otherwise `desc`.",
                      "schema": {"type": "string", "default": "desc"}
                    },
                    {
                      "name": "messageType",
                      "in": "query",
                      "description": "Numbers of types, with commas between them; 2 is BROADCAST.",
                      "schema": {"type": "string", "examples": ["2"]}
                    },
                    {
                      "name": "from",
                      "in": "query",
                      "description": "The beginning of the sender's name.",
                      "schema": {"type": "string"}
                    },
                    {"$ref": "#/components/parameters/IfNoneMatch"}
                  ],
                  "responses": {
                    "200": {
                      "description": "A page",
                      "headers": {
                        "ETag": {"$ref": "#/components/headers/ETag"},
                        "Cache-Control": {"$ref": "#/components/headers/CacheControl"}
                      },
                      "content": {
                        "application/json": {
                          "schema": {
                            "type": "object",
                            "required": ["pagination", "userMessages"],
                            "properties": {
                              "pagination": {"$ref": "#/components/schemas/Pagination"},
                              "userMessages": {
                                "type": "array",
                                "items": {"$ref": "#/components/schemas/Notification"}
                              }
                            }
                          }
                        }
                      },
                      "links": {
                        "get": {
                          "operationId": "getNotification",
                          "parameters": {"message_id": "$response.body#/userMessages/0/messageId"}
                        },
                        "delete": {
                          "operationId": "deleteNotification",
                          "parameters": {"message_id": "$response.body#/userMessages/0/messageId"}
                        }
                      }
                    },
                    "304": {"$ref": "#/components/responses/NotModified"},
                    "400": {"$ref": "#/components/responses/InvalidData"},
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"}
                  }
                }
              },
              "/notifications/{message_id}/": {
                "parameters": [{"$ref": "#/components/parameters/MessageId"}],
                "get": {
                  "operationId": "getNotification",
                  "summary": "Read a notification",
                  "description": "`read` is what it was before; from then on it is read.",
                  "security": [{"token": []}],
                  "parameters": [{"$ref": "#/components/parameters/IfNoneMatch"}],
                  "responses": {
                    "200": {
                      "description": "The notification",
                      "headers": {
                        "ETag": {"$ref": "#/components/headers/ETag"},
                        "Cache-Control": {"$ref": "#/components/headers/CacheControl"}
                      },
                      "content": {
                        "application/json": {
                          "schema": {
                            "allOf": [
                              {"$ref": "#/components/schemas/Notification"},
                              {
                                "type": "object",
                                "required": ["fromUserId"],
                                "properties": {"fromUserId": {"$ref": "#/components/schemas/Id"}}
                              }
                            ]
                          }
                        }
                      }
                    },
                    "304": {"$ref": "#/components/responses/NotModified"},
                    "400": {"$ref": "#/components/responses/InvalidData"},
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"},
                    "404": {"$ref": "#/components/responses/NotFound"}
                  }
                },
                "delete": {
                  "operationId": "deleteNotification",
                  "summary": "Delete a notification",
                  "security": [{"token": []}],
                  "responses": {
                    "200": {
                      "description": "Deleted",
                      "content": {
                        "application/json": {
                          "schema": {"$ref": "#/components/schemas/Success"},
                          "example": {"Success": "Message deleted"}
                        }
                      }
                    },
                    "400": {"$ref": "#/components/responses/InvalidData"},
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"},
                    "404": {"$ref": "#/components/responses/NotFound"},
                    "413": {"$ref": "#/components/responses/PayloadTooLarge"}
                  }
                }
              },
              "/notifications/queries/own/count-unread/": {
                "get": {
                  "operationId": "countUnreadNotifications",
                  "summary": "Count one's own unread notifications",
                  "security": [{"token": []}],
                  "parameters": [{"$ref": "#/components/parameters/IfNoneMatch"}],
                  "responses": {
                    "200": {
                      "description": "The number",
                      "headers": {
                        "ETag": {"$ref": "#/components/headers/ETag"},
                        "Cache-Control": {"$ref": "#/components/headers/CacheControl"}
                      },
                      "content": {
                        "application/json": {
                          "schema": {
                            "type": "object",
                            "required": ["newMessages", "unread"],
                            "properties": {
                              "newMessages": {"type": "boolean"},
                              "unread": {"type": "integer", "minimum": 0}
                            }
                          },
                          "example": {"newMessages": true, "unread": 3}
                        }
                      }
                    },
                    "304": {"$ref": "#/components/responses/NotModified"},
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"}
                  }
                }
              },
              "/notifications/mark-as-read-all/": {
                "post": {
                  "operationId": "markAllNotificationsAsRead",
                  "summary": "Mark all one's own notifications as read",
                  "security": [{"token": []}],
                  "responses": {
                    "200": {"$ref": "#/components/responses/MarkedAsRead"},
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"},
                    "413": {"$ref": "#/components/responses/PayloadTooLarge"}
                  }
                }
              },
              "/notifications/mark-as-read-multiple/": {
                "post": {
                  "operationId": "markNotificationsAsRead",
                  "summary": "Mark notifications as read",
                  "security": [{"token": []}],
                  "requestBody": {
                    "required": true,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/MessageIds"}}}
                  },
                  "responses": {
                    "200": {"$ref": "#/components/responses/MarkedAsRead"},
                    "400": {"$ref": "#/components/responses/InvalidData"},
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"},
                    "413": {"$ref": "#/components/responses/PayloadTooLarge"}
                  }
                }
              },
              "/notifications/delete-all/": {
                "delete": {
                  "operationId": "deleteAllNotifications",
                  "summary": "Delete all one's own notifications",
                  "security": [{"token": []}],
                  "responses": {
                    "200": {"$ref": "#/components/responses/MessagesDeleted"},
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"},
                    "413": {"$ref": "#/components/responses/PayloadTooLarge"}
                  }
                }
              },
              "/notifications/delete-multiple/": {
                "delete": {
                  "operationId": "deleteNotifications",
                  "summary": "Delete notifications",
                  "security": [{"token": []}],
                  "requestBody": {
                    "required": true,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/MessageIds"}}}
                  },
                  "responses": {
                    "200": {"$ref": "#/components/responses/MessagesDeleted"},
                    "400": {"$ref": "#/components/responses/InvalidData"},
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"},
                    "413": {"$ref": "#/components/responses/PayloadTooLarge"}
                  }
                }
              }
            }
            """#,
        components: #"""
            {
              "parameters": {
                "MessageId": {
                  "name": "message_id", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/Id"}
                }
              },
              "responses": {
                "MarkedAsRead": {
                  "description": "Marked",
                  "content": {
                    "application/json": {
                      "schema": {"$ref": "#/components/schemas/Success"},
                      "example": {"Success": "Messages marked as read"}
                    }
                  }
                },
                "MessagesDeleted": {
                  "description": "Deleted",
                  "content": {
                    "application/json": {
                      "schema": {"$ref": "#/components/schemas/Success"},
                      "example": {"Success": "Messages deleted"}
                    }
                  }
                }
              },
              "schemas": {
                "NewMessage": {
                  "type": "object",
                  "required": ["subject", "message"],
                  "properties": {
                    "subject": {"$ref": "#/components/schemas/MessageText"},
                    "message": {"$ref": "#/components/schemas/MessageText", "description": "Markdown."}
                  },
                  "propertyNames": {"$ref": "#/components/schemas/Text"},
                  "additionalProperties": {"$ref": "#/components/schemas/Ignored"}
                },
                "MessageText": {
                  "type": "string",
                  "description": "Something besides white space.",
                  "pattern": "^[^\\u0000]*[^\\u0000\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000][^\\u0000]*$"
                },
                "MessageIds": {
                  "type": "object",
                  "required": ["messageIds"],
                  "properties": {
                    "messageIds": {
                      "type": "array",
                      "description": "Ids of messages that are not there change nothing.",
                      "items": {"type": "integer", "minimum": -9223372036854775808, "maximum": 9223372036854775807}
                    }
                  },
                  "examples": [{"messageIds": [41, 40]}],
                  "propertyNames": {"$ref": "#/components/schemas/Text"},
                  "additionalProperties": {"$ref": "#/components/schemas/Ignored"}
                },
                "Notification": {
                  "type": "object",
                  "required": [
                    "messageId", "subject", "message", "fromUsername", "displayPictureUrl", "projectId", "projectTitle",
                    "taskId", "messageType", "sentDate", "read"
                  ],
                  "properties": {
                    "messageId": {"$ref": "#/components/schemas/Id"},
                    "subject": {"type": "string"},
                    "message": {"type": "string", "description": "HTML that is safe to show."},
                    "fromUsername": {"type": ["string", "null"]},
                    "displayPictureUrl": {"type": ["string", "null"]},
                    "projectId": {"type": ["integer", "null"]},
                    "projectTitle": {"type": ["string", "null"]},
                    "taskId": {"type": ["integer", "null"]},
                    "messageType": {"type": "string", "examples": ["BROADCAST"]},
                    "sentDate": {"type": "string", "format": "date-time"},
                    "read": {"type": "boolean"}
                  }
                },
                "Pagination": {
                  "type": "object",
                  "required": ["hasNext", "hasPrev", "nextNum", "page", "pages", "prevNum", "perPage", "total"],
                  "properties": {
                    "hasNext": {"type": "boolean"},
                    "hasPrev": {"type": "boolean"},
                    "nextNum": {"type": ["integer", "null"]},
                    "page": {"type": "integer", "minimum": 1},
                    "pages": {"type": "integer", "minimum": 0},
                    "prevNum": {"type": ["integer", "null"]},
                    "perPage": {"type": "integer", "minimum": 1, "maximum": 100},
                    "total": {"type": "integer", "minimum": 0}
                  }
                }
              }
            }
            """#)
}

// MARK: The service itself

extension Documentation {
    private static let service = Section(
        tag: "system", description: "The service itself.",
        paths: #"""
            {
              "/system/heartbeat/": {
                "get": {
                  "operationId": "heartbeat",
                  "summary": "Say whether all is well",
                  "parameters": [{"$ref": "#/components/parameters/IfNoneMatch"}],
                  "responses": {
                    "200": {
                      "description": "The data folder can be read and written",
                      "headers": {
                        "ETag": {"$ref": "#/components/headers/ETag"},
                        "Cache-Control": {"$ref": "#/components/headers/CacheControl"}
                      },
                      "content": {
                        "application/json": {
                          "schema": {"$ref": "#/components/schemas/Heartbeat"},
                          "example": {"status": "healthy", "version": "1.0.0", "campaigns": 3}
                        }
                      }
                    },
                    "304": {"$ref": "#/components/responses/NotModified"},
                    "503": {
                      "description": "The data folder cannot be read or written, or the service is busy",
                      "headers": {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}},
                      "content": {
                        "application/json": {
                          "schema": {
                            "anyOf": [
                              {"$ref": "#/components/schemas/Heartbeat"},
                              {"$ref": "#/components/schemas/Error"}
                            ]
                          }
                        }
                      }
                    }
                  }
                }
              },
              "/system/docs/json/": {
                "get": {
                  "operationId": "documentation",
                  "summary": "Get this document",
                  "parameters": [{"$ref": "#/components/parameters/IfNoneMatch"}],
                  "responses": {
                    "200": {
                      "description": "An OpenAPI 3.1 document",
                      "headers": {
                        "ETag": {"$ref": "#/components/headers/ETag"},
                        "Cache-Control": {"$ref": "#/components/headers/CacheControl"}
                      },
                      "content": {
                        "application/json": {
                          "schema": {
                            "type": "object",
                            "required": ["openapi", "info", "servers", "paths", "components"],
                            "properties": {
                              "openapi": {"type": "string"},
                              "info": {"type": "object"},
                              "servers": {"type": "array"},
                              "paths": {"type": "object"},
                              "components": {"type": "object"}
                            }
                          }
                        }
                      }
                    },
                    "304": {"$ref": "#/components/responses/NotModified"}
                  }
                }
              },
              "/system/image-upload/": {
                "post": {
                  "operationId": "uploadImage",
                  "summary": "Upload a picture, to be used as a logo",
                  "description": "For users who manage at least one organisation. The same picture gets the same URL.",
                  "security": [{"token": []}],
                  "requestBody": {
                    "required": true,
                    "content": {
                      "application/json": {
                        "schema": {"$ref": "#/components/schemas/Image"},
                        "example": {
                          "data": "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7",
                          "mime": "image/gif",
                          "filename": "dot.gif"
                        }
                      }
                    }
                  },
                  "responses": {
                    "201": {
                      "description": "The picture is stored",
                      "content": {
                        "application/json": {
                          "schema": {
                            "type": "object",
                            "required": ["url"],
                            "properties": {"url": {"type": "string", "format": "uri-reference"}}
                          },
                          "example": {"url": "/logos/ef1955ae757c8b966c83248350331bd3.gif"}
                        }
                      }
                    },
                    "400": {
                      "description": "The body is wrong, or the file is none that can be used",
                      "content": {
                        "application/json": {
                          "schema": {"$ref": "#/components/schemas/Error"},
                          "examples": {
                            "MissingFilename": {
                              "value": {"Error": "Missing filename parameter", "SubCode": "MissingFilename"}
                            },
                            "MissingMime": {"value": {"Error": "Missing mime parameter", "SubCode": "MissingMime"}},
                            "UnsupportedFile": {
                              "value": {"Error": "The data is no image/png", "SubCode": "UnsupportedFile"}
                            },
                            "InvalidData": {"value": {"Error": "data is required", "SubCode": "InvalidData"}}
                          }
                        }
                      }
                    },
                    "401": {"$ref": "#/components/responses/InvalidToken"},
                    "403": {"$ref": "#/components/responses/Forbidden"},
                    "413": {"$ref": "#/components/responses/PayloadTooLarge"}
                  }
                }
              }
            }
            """#,
        components: #"""
            {
              "schemas": {
                "Image": {
                  "type": "object",
                  "required": ["data", "mime", "filename"],
                  "properties": {
                    "data": {
                      "type": "string",
                      "contentEncoding": "base64",
                      "description": "The file. With 4 characters for 3 bytes, about 780,000 bytes fit into a body."
                    },
                    "mime": {"type": "string", "enum": ["image/png", "image/jpeg", "image/webp", "image/gif"]},
                    "filename": {"type": "string", "description": "What the file is called; it changes nothing."}
                  }
                },
                "Heartbeat": {
                  "type": "object",
                  "required": ["status", "version", "campaigns"],
                  "properties": {
                    "status": {"type": "string", "enum": ["healthy", "unhealthy"]},
                    "version": {"type": "string"},
                    "campaigns": {"type": "integer", "minimum": 0},
                    "error": {"type": "string", "description": "What is wrong with the data folder."},
                    "broken": {
                      "type": "array",
                      "description": "Files that cannot be used; everything else is served.",
                      "items": {
                        "type": "object",
                        "required": ["file", "reason"],
                        "properties": {"file": {"type": "string"}, "reason": {"type": "string"}}
                      }
                    }
                  }
                }
              }
            }
            """#)
}

// MARK: What several sections use

extension Documentation {
    private static let components = #"""
        {
          "securitySchemes": {
            "token": {
              "type": "apiKey",
              "in": "header",
              "name": "Authorization",
              "description": "`Token `, then a session token of the Tasking Manager in Base64."
            }
          },
          "parameters": {
            "CampaignId": {
              "name": "campaign_id", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/Id"}
            },
            "ProjectId": {
              "name": "project_id", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/Id"}
            },
            "OrganisationId": {
              "name": "organisation_id", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/Id"}
            },
            "IfMatch": {
              "name": "If-Match",
              "in": "header",
              "description": "The campaign's ETag: nothing is changed when somebody else has changed it since.",
              "schema": {"type": "string"}
            },
            "IfNoneMatch": {
              "name": "If-None-Match",
              "in": "header",
              "description": "An ETag that was given before: 304 when nothing has changed since.",
              "schema": {"type": "string"}
            }
          },
          "headers": {
            "Allow": {
              "description": "The methods that the path has, with commas between them.",
              "required": true,
              "schema": {"type": "string"}
            },
            "CacheControl": {"required": true, "schema": {"type": "string", "const": "no-cache"}},
            "ETag": {
              "description": "Changes whenever the answer does. Weak when the web server has compressed it.",
              "required": true,
              "schema": {"type": "string", "pattern": "^(W/)?\"[0-9a-f]{32}\"$"}
            },
            "Location": {
              "description": "Where the new campaign is.",
              "required": true,
              "schema": {"type": "string", "format": "uri-reference"}
            },
            "RetryAfter": {
              "description": "Seconds.",
              "required": true,
              "schema": {"type": "integer", "minimum": 0}
            },
            "WWWAuthenticate": {"required": true, "schema": {"type": "string", "const": "Token"}}
          },
          "responses": {
            "CampaignList": {
              "description": "Ids and names",
              "headers": {
                "ETag": {"$ref": "#/components/headers/ETag"},
                "Cache-Control": {"$ref": "#/components/headers/CacheControl"}
              },
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/CampaignList"},
                  "example": {"campaigns": [{"id": 1, "name": "Villages Without a Map"}]}
                }
              }
            },
            "NotModified": {
              "description": "If-None-Match has the answer's ETag",
              "headers": {
                "ETag": {"$ref": "#/components/headers/ETag"},
                "Cache-Control": {"$ref": "#/components/headers/CacheControl"}
              }
            },
            "InvalidData": {
              "description": "Something in the request is wrong, and Error says what",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/Error"},
                  "example": {"Error": "name must not be empty", "SubCode": "InvalidData"}
                }
              }
            },
            "InvalidToken": {
              "description": "The token is missing, wrong or too old",
              "headers": {"WWW-Authenticate": {"$ref": "#/components/headers/WWWAuthenticate"}},
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/Error"},
                  "example": {"Error": "Token is expired or invalid", "SubCode": "InvalidToken"}
                }
              }
            },
            "Forbidden": {
              "description": "The user may not do this",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/Error"},
                  "example": {
                    "Error": "CampaignsAllAPI POST: User not a Org Manager", "SubCode": "UserNotPermitted"
                  }
                }
              }
            },
            "NotFound": {
              "description": "Something that the request names is not there",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/NotFound"},
                  "example": {
                    "error": {
                      "code": 404,
                      "sub_code": "CAMPAIGN_NOT_FOUND",
                      "message": "The requested campaign was not found on the server.",
                      "details": {"campaign_id": 99}
                    }
                  }
                }
              }
            },
            "MethodNotAllowed": {
              "description": "The path does not have this method",
              "headers": {"Allow": {"$ref": "#/components/headers/Allow"}},
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/NotFound"},
                  "example": {
                    "error": {
                      "code": 405,
                      "sub_code": "METHOD_NOT_ALLOWED",
                      "message": "The method is not allowed for the requested URL.",
                      "details": {}
                    }
                  }
                }
              }
            },
            "PreconditionFailed": {
              "description": "If-Match does not have the campaign's ETag, and nothing is changed",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/Error"},
                  "example": {
                    "Error": "The campaign has changed since the ETag in If-Match was given",
                    "SubCode": "PreconditionFailed"
                  }
                }
              }
            },
            "PayloadTooLarge": {
              "description": "The body is larger than 1 MiB",
              "content": {
                "application/json": {
                  "schema": {"$ref": "#/components/schemas/Error"},
                  "example": {"Error": "The request body is larger than 1 MiB", "SubCode": "PayloadTooLarge"}
                }
              }
            },
            "TooManyRequests": {
              "description": "Too many messages, or tokens that are not good, from this address",
              "headers": {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}},
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
            },
            "BadGateway": {
              "description": "The service ended before it had answered",
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
            },
            "Unavailable": {
              "description": "The data folder cannot be used now, or the service is busy; nothing is changed",
              "headers": {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}},
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
            },
            "GatewayTimeout": {
              "description": "The service did not answer the web server in time",
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
            }
          },
          "schemas": {
            "Id": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 9223372036854775807},
            "Text": {"type": "string", "description": "Without NUL.", "pattern": "^[^\\u0000]*$"},
            "Ignored": {
              "description": "What an unknown key has, whatever it is; but no text in a body may hold a NUL.",
              "anyOf": [
                {"type": ["boolean", "null", "number"]},
                {"$ref": "#/components/schemas/Text"},
                {"type": "array", "items": {"$ref": "#/components/schemas/Ignored"}},
                {
                  "type": "object",
                  "propertyNames": {"$ref": "#/components/schemas/Text"},
                  "additionalProperties": {"$ref": "#/components/schemas/Ignored"}
                }
              ]
            },
            "CampaignList": {
              "type": "object",
              "required": ["campaigns"],
              "properties": {
                "campaigns": {
                  "type": "array",
                  "items": {
                    "type": "object",
                    "required": ["id", "name"],
                    "properties": {
                      "id": {"$ref": "#/components/schemas/Id"},
                      "name": {"type": "string", "minLength": 1}
                    }
                  }
                }
              }
            },
            "Success": {
              "type": "object",
              "required": ["Success"],
              "properties": {"Success": {"type": "string"}}
            },
            "Error": {
              "type": "object",
              "required": ["Error", "SubCode"],
              "properties": {
                "Error": {"type": "string", "description": "What is wrong, in words."},
                "SubCode": {"type": "string", "description": "What is wrong, for programs."}
              }
            },
            "NotFound": {
              "type": "object",
              "required": ["error"],
              "properties": {
                "error": {
                  "type": "object",
                  "required": ["code", "sub_code", "message", "details"],
                  "properties": {
                    "code": {"type": "integer", "enum": [404, 405]},
                    "sub_code": {"type": "string", "description": "What is wrong, for programs."},
                    "message": {"type": "string", "description": "What is wrong, in words."},
                    "details": {"type": "object", "description": "The ids.", "additionalProperties": {"type": "integer"}}
                  }
                }
              }
            }
          }
        }
        """#
}

extension JSONObject {
    /// The members of both; where both have an object of one name, it has the members of both.
    fileprivate func merging(_ other: JSONObject) -> JSONObject {
        var merged = JSONObject()
        for member in members {
            if case .object(let mine) = member.value, case .object(let others) = other[member.name] {
                merged.append(member.name, .object(mine.merging(others)))
            } else {
                merged.append(member.name, member.value)
            }
        }
        for member in other.members where self[member.name] == nil { merged.append(member.name, member.value) }
        return merged
    }
}
