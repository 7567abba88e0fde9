/// What `campaignd init --demo` puts into a data folder. Every person, organisation and place in it is invented.
enum Demo {
    /// Paths below the data folder, with what is to be in them.
    static let files: [(path: String, contents: String)] = campaigns + organisations + projects + users + logos

    // MARK: Campaigns

    private static let campaigns = [
        file(
            "campaigns/1.json",
            #"""
            {
              "id": 1,
              "name": "Villages Without a Map",
              "logo": "/logos/villages.svg",
              "url": "https://villages.example.org/about",
              "description": "Thousands of villages are on no map at all. Volunteers trace their houses and paths from satellite pictures, and people who live there add the names. What comes out is free for everybody who plans a clinic, a well or a rescue.",
              "organisations": [1, 2],
              "projects": [1, 2, 5]
            }
            """#),
        file(
            "campaigns/2.json",
            #"""
            {
              "id": 2,
              "name": "Before the Cyclone Season",
              "logo": "/logos/storm.svg",
              "url": "https://open-shelter.example.org/cyclones",
              "description": "Buildings, shelters and raised roads along the coast, mapped before the storms come rather than after. Deadline: the first of November.",
              "organisations": [1],
              "projects": [3]
            }
            """#),
        file(
            "campaigns/3.json",
            #"""
            {
              "id": 3,
              "name": "Malaria-Free Lakeshore",
              "logo": null,
              "url": "https://blue-river.example.org/malaria",
              "description": "Spray teams need to know how many houses there are and where. We map every roof within five kilometres of the lake.",
              "organisations": [2],
              "projects": [2, 4]
            }
            """#),
        file(
            "campaigns/4.json",
            #"""
            {
              "id": 4,
              "name": "Floods 2026: Rapid Response",
              "logo": null,
              "url": null,
              "description": "Damaged roads and bridges first, then houses. New pictures come in every evening; please take the newest project.",
              "organisations": [1, 2, 4],
              "projects": [5, 6]
            }
            """#),
        file(
            "campaigns/5.json",
            #"""
            {
              "id": 5,
              "name": "Caminos seguros a la escuela",
              "logo": "/logos/cartografia.svg",
              "url": "https://cartografia-abierta.example.org/caminos",
              "description": "Aceras, cruces y paradas alrededor de las escuelas públicas, para que los niños lleguen a pie y sin peligro. Mapeamos de día, con las familias.",
              "organisations": [3],
              "projects": [7]
            }
            """#),
        file(
            "campaigns/6.json",
            #"""
            {
              "id": 6,
              "name": "पहाडी बाटोहरू – Hill Trails",
              "logo": "/logos/villages.svg",
              "url": "https://hill-trails.example.org/",
              "description": "Footpaths, suspension bridges and tea houses between villages that no road reaches. After an earthquake these trails are the only way in.",
              "organisations": [4],
              "projects": [6]
            }
            """#),
        file(
            "campaigns/7.json",
            #"""
            {
              "id": 7,
              "name": "Đồng bằng không ngập",
              "logo": null,
              "url": null,
              "description": "Canals, sluices and dykes of the delta, mapped with the farmers who look after them.",
              "organisations": [2, 3],
              "projects": []
            }
            """#),
        file(
            "campaigns/8.json",
            #"""
            {
              "id": 8,
              "name": "Clean Water Within Reach",
              "logo": "/logos/blue-river.svg",
              "url": "https://blue-river.example.org/water",
              "description": "Every well, pump and tap with its state: working, broken, or dry for part of the year. The map shows who walks more than half an hour for water.",
              "organisations": [2],
              "projects": [1, 4]
            }
            """#),
        file(
            "campaigns/9.json",
            #"""
            {
              "id": 9,
              "name": "Base Map for the Camps",
              "logo": "/logos/open-shelter.svg",
              "url": null,
              "description": "Shelters, latrines, water points and paths in three camps, kept up to date as they grow.",
              "organisations": [1],
              "projects": [8]
            }
            """#),
        file(
            "campaigns/10.json",
            #"""
            {
              "id": 10,
              "name": "Mapping Week of the Universities",
              "logo": null,
              "url": "https://mapping-week.example.org/2026",
              "description": "Five days, forty lecture halls, one task list. A good place for a first edit: every project here is marked as easy.",
              "organisations": [1, 3, 4],
              "projects": [3, 7]
            }
            """#),
        file(
            "campaigns/11.json",
            #"""
            {
              "id": 11,
              "name": "Accès aux soins à la Côte-des-Dunes",
              "logo": "/logos/care.svg",
              "url": "https://open-shelter.example.org/acces-aux-soins",
              "description": "Où est le dispensaire le plus proche, et la route est-elle praticable en saison des pluies ? Une carte pour les équipes mobiles.",
              "organisations": [1],
              "projects": [2]
            }
            """#),
        file(
            "campaigns/12.json",
            #"""
            {
              "id": 12,
              "name": "Last-Mile Vaccines",
              "logo": null,
              "url": null,
              "description": null,
              "organisations": [],
              "projects": []
            }
            """#),
    ]

    // MARK: Organisations

    private static let organisations = [
        file(
            "organisations/1.json",
            #"""
            {
              "organisationId": 1,
              "name": "Open Shelter",
              "slug": "open-shelter",
              "logo": "/logos/open-shelter.svg",
              "url": "https://open-shelter.example.org",
              "managers": [2, 3]
            }
            """#),
        file(
            "organisations/2.json",
            #"""
            {
              "organisationId": 2,
              "name": "Blue River Health",
              "slug": "blue-river",
              "logo": "/logos/blue-river.svg",
              "url": "https://blue-river.example.org",
              "managers": [3]
            }
            """#),
        file(
            "organisations/3.json",
            #"""
            {
              "organisationId": 3,
              "name": "Cartografía Abierta",
              "slug": "cartografia-abierta",
              "logo": "/logos/cartografia.svg",
              "url": "https://cartografia-abierta.example.org",
              "managers": [4]
            }
            """#),
        file(
            "organisations/4.json",
            #"""
            {
              "organisationId": 4,
              "name": "Mountain Rescue Mappers",
              "slug": "mountain-rescue",
              "logo": null,
              "url": null,
              "managers": []
            }
            """#),
    ]

    // MARK: Projects

    private static let projects = [
        file(
            "projects/1.json",
            #"""
            {
              "projectId": 1,
              "name": "Northern Plateau: Villages and Wells",
              "author": 2,
              "organisation": 1,
              "managers": [6],
              "contributors": [2, 6, 7, 8, 9, 10]
            }
            """#),
        file(
            "projects/2.json",
            #"""
            {
              "projectId": 2,
              "name": "Côte-des-Dunes: Houses and Clinics",
              "author": 3,
              "organisation": 2,
              "managers": [],
              "contributors": [6, 7, 9]
            }
            """#),
        file(
            "projects/3.json",
            #"""
            {
              "projectId": 3,
              "name": "Storm Coast: Buildings, Tasks for Beginners",
              "author": 2,
              "organisation": 1,
              "managers": [],
              "contributors": [7, 8, 10]
            }
            """#),
        file(
            "projects/4.json",
            #"""
            {
              "projectId": 4,
              "name": "Lakeshore: Every Roof",
              "author": 3,
              "organisation": 2,
              "managers": [7],
              "contributors": [3, 8, 9]
            }
            """#),
        file(
            "projects/5.json",
            #"""
            {
              "projectId": 5,
              "name": "Flooded District 7: Roads and Bridges",
              "author": 6,
              "organisation": 1,
              "managers": [2, 7],
              "contributors": [1, 6, 7, 8, 9, 10]
            }
            """#),
        file(
            "projects/6.json",
            #"""
            {
              "projectId": 6,
              "name": "पूर्वी पहाड: Trails and Bridges",
              "author": 8,
              "organisation": 4,
              "managers": [],
              "contributors": [8, 9]
            }
            """#),
        file(
            "projects/7.json",
            #"""
            {
              "projectId": 7,
              "name": "Barrio Alto: aceras y cruces",
              "author": 4,
              "organisation": 3,
              "managers": [],
              "contributors": [4, 10]
            }
            """#),
        file(
            "projects/8.json",
            #"""
            {
              "projectId": 8,
              "name": "Three Camps: Base Map",
              "author": 7,
              "organisation": null,
              "managers": [],
              "contributors": []
            }
            """#),
    ]

    // MARK: Users

    private static let users = [
        file(
            "users/1.json",
            #"""
            {
              "id": 1,
              "username": "demo_admin",
              "role": "ADMIN",
              "pictureUrl": "/logos/compass.svg",
              "emailAddress": "demo_admin@example.org",
              "projectsNotifications": true
            }
            """#),
        file(
            "users/2.json",
            #"""
            {
              "id": 2,
              "username": "amina_maps",
              "role": "MAPPER",
              "pictureUrl": "/logos/open-shelter.svg",
              "emailAddress": "amina@example.org",
              "projectsNotifications": true
            }
            """#),
        file(
            "users/3.json",
            #"""
            {
              "id": 3,
              "username": "Émile Rivière",
              "role": "MAPPER",
              "pictureUrl": null,
              "emailAddress": "emile@example.org",
              "projectsNotifications": true
            }
            """#),
        file(
            "users/4.json",
            #"""
            {
              "id": 4,
              "username": "jimena.carto",
              "role": "MAPPER",
              "pictureUrl": "/logos/cartografia.svg",
              "emailAddress": "jimena@example.org",
              "projectsNotifications": true
            }
            """#),
        file(
            "users/5.json",
            #"""
            {
              "id": 5,
              "username": "quiet_reader",
              "role": "READ_ONLY",
              "pictureUrl": null,
              "emailAddress": "quiet_reader@example.org",
              "projectsNotifications": true
            }
            """#),
        file(
            "users/6.json",
            #"""
            {
              "id": 6,
              "username": "tomasz_b",
              "role": "MAPPER",
              "pictureUrl": null,
              "emailAddress": "tomasz@example.org",
              "projectsNotifications": true
            }
            """#),
        file(
            "users/7.json",
            #"""
            {
              "id": 7,
              "username": "kofi",
              "role": "MAPPER",
              "pictureUrl": "/logos/compass.svg",
              "emailAddress": "kofi@example.org",
              "projectsNotifications": true
            }
            """#),
        file(
            "users/8.json",
            #"""
            {
              "id": 8,
              "username": "सीता",
              "role": "MAPPER",
              "pictureUrl": null,
              "emailAddress": "sita@example.org",
              "projectsNotifications": true
            }
            """#),
        file(
            "users/9.json",
            #"""
            {
              "id": 9,
              "username": "no_messages_please",
              "role": "MAPPER",
              "pictureUrl": null,
              "emailAddress": "no_messages@example.org",
              "projectsNotifications": false
            }
            """#),
        file(
            "users/10.json",
            #"""
            {
              "id": 10,
              "username": "Nguyễn Hà",
              "role": "MAPPER",
              "pictureUrl": null,
              "emailAddress": null,
              "projectsNotifications": true
            }
            """#),
    ]

    // MARK: Logos

    private static let logos = [
        // A tent.
        file(
            "logos/open-shelter.svg",
            #"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
              <title>Open Shelter</title>
              <rect width="64" height="64" rx="12" fill="#d9480f"/>
              <path d="M32 14 56 50H8Z" fill="#fff4e6"/>
              <path d="M32 28 42 50H22Z" fill="#d9480f"/>
            </svg>
            """#),
        // Waves under the sun.
        file(
            "logos/blue-river.svg",
            #"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
              <title>Blue River Health</title>
              <rect width="64" height="64" rx="12" fill="#e7f5ff"/>
              <circle cx="46" cy="18" r="7" fill="#ffd43b"/>
              <g fill="none" stroke-width="6" stroke-linecap="round">
                <path d="M8 34q8-8 16 0t16 0 16 0" stroke="#4dabf7"/>
                <path d="M8 48q8-8 16 0t16 0 16 0" stroke="#1864ab"/>
              </g>
            </svg>
            """#),
        // A folded map with a way across.
        file(
            "logos/cartografia.svg",
            #"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
              <title>Cartografía Abierta</title>
              <rect width="64" height="64" rx="12" fill="#5f3dc4"/>
              <path d="M10 18 24 12V46L10 52ZM40 18 54 12V46L40 52Z" fill="#e5dbff"/>
              <path d="M24 12 40 18V52L24 46Z" fill="#b197fc"/>
              <path d="M14 44q8-14 16-10t20-14" fill="none" stroke="#f03e3e" stroke-width="3" stroke-dasharray="5 4"/>
            </svg>
            """#),
        // Two houses between hills.
        file(
            "logos/villages.svg",
            #"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
              <title>Villages Without a Map</title>
              <rect width="64" height="64" rx="12" fill="#ebfbee"/>
              <path d="M4 52 24 22 36 38 44 28 60 52Z" fill="#8ce99a"/>
              <path d="M16 52V42L24 35 32 42V52ZM36 52V45L43 39 50 45V52Z" fill="#2b8a3e"/>
            </svg>
            """#),
        // A whirl.
        file(
            "logos/storm.svg",
            #"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
              <title>Before the Cyclone Season</title>
              <circle cx="32" cy="32" r="30" fill="#0b7285"/>
              <g fill="none" stroke="#c5f6fa" stroke-width="6" stroke-linecap="round">
                <path d="M50 14A22 22 0 0 0 18 26"/>
                <path d="M14 50A22 22 0 0 0 46 38"/>
              </g>
              <circle cx="32" cy="32" r="8" fill="#c5f6fa"/>
            </svg>
            """#),
        // A hand that holds a leaf.
        file(
            "logos/care.svg",
            #"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
              <title>Accès aux soins</title>
              <rect width="64" height="64" rx="32" fill="#fff9db"/>
              <path d="M32 40C16 34 18 18 32 10C46 18 48 34 32 40Z" fill="#37b24d"/>
              <path d="M14 40Q32 60 50 40" fill="none" stroke="#e67700" stroke-width="6" stroke-linecap="round"/>
            </svg>
            """#),
        // A compass needle.
        file(
            "logos/compass.svg",
            #"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
              <title>A compass needle</title>
              <circle cx="32" cy="32" r="29" fill="#f8f9fa" stroke="#343a40" stroke-width="4"/>
              <path d="M32 8 40 32H24Z" fill="#e03131"/>
              <path d="M32 56 40 32H24Z" fill="#343a40"/>
            </svg>
            """#),
    ]

    /// The contents end with a line feed, which a text of several lines does not.
    private static func file(_ path: String, _ contents: String) -> (path: String, contents: String) {
        (path, contents + "\n")
    }
}
