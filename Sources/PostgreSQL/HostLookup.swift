internal import CLinux
internal import Glibc
internal import Synchronization
internal import Threads

/// Finds the addresses of a host. The C library's way of it has no deadline, so a thread waits for it, one for each host at
/// a time, however many ask.
final class HostLookup: Sendable {
    private enum Answer {
        case addresses([String])
        case failure(String)
    }

    private static let running = Mutex<[String: HostLookup]>([:])
    private let answer = Monitor<Answer?>(nil)

    private init() {}

    /// The addresses of a host, as numbers, in the order in which they are to be tried.
    ///
    /// - Throws: ``DatabaseError/refused(_:)`` when there are none, or when it takes too long.
    static func addresses(of host: String, by deadline: Deadline, _ libpq: LibPQ) throws(DatabaseError) -> [String] {
        guard let lookup = running.withLock({ running in running[host] ?? start(host, libpq, &running) }) else {
            throw .refused("there is no thread to look for its address")
        }
        switch lookup.answer.wait(timeout: deadline.remaining, { $0 }) {
        case .addresses(let addresses): return addresses
        case .failure(let reason): throw .refused(reason)
        case nil: throw .refused("its address is not found in time")
        }
    }

    private static func start(
        _ host: String, _ libpq: LibPQ, _ running: inout [String: HostLookup]
    ) -> HostLookup? {
        let lookup = HostLookup()
        let thread = try? Thread("lookup") {
            let answer = resolve(host, libpq)
            HostLookup.running.withLock { $0[host] = nil }
            lookup.answer.update { $0 = answer }
        }
        guard let thread else { return nil }
        thread.detach()
        running[host] = lookup
        return lookup
    }

    private static func resolve(_ host: String, _ libpq: LibPQ) -> Answer {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let error = libpq.getaddrinfo(host, nil, &hints, &list)
        guard error == 0 else { return .failure(String(cString: gai_strerror(error))) }
        defer { libpq.freeaddrinfo(list) }
        var addresses: [String] = []
        var entry = list
        while let info = entry?.pointee {
            entry = info.ai_next
            if let address = number(info), !addresses.contains(address) { addresses.append(address) }
        }
        return addresses.isEmpty ? .failure("it has no address") : .addresses(addresses)
    }

    /// An address as inet_ntop(3) writes it, where it is one of the internet's.
    private static func number(_ info: addrinfo) -> String? {
        guard let raw = UnsafeRawPointer(info.ai_addr) else { return nil }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let isWritten =
            switch info.ai_family {
            case AF_INET:
                withUnsafePointer(to: raw.loadUnaligned(as: sockaddr_in.self).sin_addr) {
                    inet_ntop(AF_INET, $0, &text, socklen_t(text.count)) != nil
                }
            case AF_INET6:
                withUnsafePointer(to: raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr) {
                    inet_ntop(AF_INET6, $0, &text, socklen_t(text.count)) != nil
                }
            default: false
            }
        guard isWritten else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
