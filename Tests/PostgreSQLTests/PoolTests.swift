import Foundation
import Synchronization
import TestSupport
import Testing
import Threads

@testable import PostgreSQL

@Suite("A pool of connections")
struct PoolTests {
    @Test("threads share its connections, of which there are never more than it may have")
    func shared() throws {
        let fixture = try Fixture("CREATE TABLE t (pid int)")
        let pool = try fixture.pool(3)
        let failures = Mutex<[String]>([])
        let threads = try (0..<8).map { _ in
            try Threads.Thread("user") {
                for _ in 0..<20 {
                    do {
                        try pool.use(by: .generous) { _ = try $0.execute("INSERT INTO t VALUES (pg_backend_pid())") }
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(failures.withLock { $0 } == [])
        let counts = try fixture.database.run("SELECT count(*), count(DISTINCT pid) BETWEEN 1 AND 3 FROM t")
        #expect(counts == "160|t\n")
    }

    @Test("the wait for a connection ends at the deadline, and one that comes back is taken at once")
    func full() throws {
        let pool = try Fixture().pool(1)
        let isTaken = Monitor(false)
        let mayGo = Monitor(false)
        let holder = try Threads.Thread("holder") {
            try? pool.use(by: .generous) { _ in
                isTaken.update { $0 = true }
                _ = mayGo.wait { $0 ? true : nil }
            }
        }
        _ = isTaken.wait { $0 ? true : nil }
        let error = failure { try pool.use(by: .soon) { _ in } }
        #expect(error == .deadlineExceeded("all 1 connections are in use"))
        let other = try Threads.Thread("other") { mayGo.update { $0 = true } }
        #expect(try pool.use(by: .generous) { try $0.execute("SELECT 1").count } == 1)
        holder.join()
        other.join()
    }

    @Test("a connection that the server has ended meanwhile is replaced before anybody gets it")
    func endedWhileIdle() throws {
        let fixture = try Fixture()
        let pool = try fixture.pool(1)
        let process = try #require(try pool.process())
        try fixture.database.run("SELECT pg_terminate_backend(\(process), 60000)")
        #expect(try pool.process() != process)
    }

    @Test("when one breaks, those that are idle are replaced as well")
    func distrust() throws {
        let fixture = try Fixture()
        let pool = try fixture.pool(2)
        var (first, second): (Int?, Int?) = (nil, nil)
        try pool.use(by: .generous) { one in
            first = try one.process()
            second = try pool.process()
        }
        #expect(try pool.process() == first)
        #expect(
            failure {
                try pool.use(by: .generous) { connection in
                    connection.deadline = .soon
                    try connection.execute("SELECT pg_sleep(1000000)")
                }
            }?.isDeadlineExceeded == true)
        let others = try pool.use(by: .generous) { one in try [one.process(), pool.process()] }
        #expect(Set(others).isDisjoint(with: [first, second]))
    }

    @Test("one that is left within a transaction is closed, and the transaction with it")
    func openTransaction() throws {
        let fixture = try Fixture("CREATE TABLE t (id int)")
        let pool = try fixture.pool(1)
        let process = try pool.process()
        try pool.use(by: .generous) { _ = try $0.execute("BEGIN; INSERT INTO t VALUES (1)") }
        #expect(try pool.process() != process)
        #expect(try fixture.database.run("SELECT count(*) FROM t") == "0\n")
    }

    @Test("one whose prepared statement is no longer good is replaced, and the statement may be tried again")
    func stalePreparation() throws {
        let fixture = try Fixture("CREATE TABLE t (id int)")
        let pool = try fixture.pool(1)
        let process = try pool.process()
        let query: SQL = "SELECT * FROM t WHERE id = $1"
        try pool.use(by: .generous) { _ = try $0.query(query, 1) }
        try fixture.database.run("ALTER TABLE t ALTER id TYPE bigint")
        #expect(failure { try pool.use(by: .generous) { _ = try $0.query(query, 1) } }?.mayBeTriedAgain == true)
        #expect(try pool.use(by: .generous) { try $0.query(query, 1).isEmpty })
        #expect(try pool.process() != process)
    }

    @Test("connections to a server that was primary before another one are not used further")
    func timelines() throws {
        let timelines = HighestTimeline()
        let pool = try Fixture().pool(1, timelines: timelines)
        let process = try pool.process()
        #expect(try pool.process() == process)
        #expect(timelines.current == 1)
        #expect(timelines.see(2))
        #expect(failure { _ = try pool.process() }?.isRefused == true)
    }

    @Test("a database that cannot be reached is refused each time, and costs no place in the pool")
    func unreachable() throws {
        let pool = DatabasePool(try ConnectionSettings("host=/nowhere user=tm", for: .service), size: 1)
        for _ in 0..<3 { #expect(failure { try pool.use(by: .generous) { _ in } }?.isRefused == true) }
    }

    @Test("when it is closed it gives out nothing, and what comes back is closed")
    func closed() throws {
        let fixture = try Fixture()
        let pool = try fixture.pool(2)
        try pool.use(by: .generous) { connection in
            pool.close()
            try connection.execute("SELECT 1")
        }
        #expect(failure { try pool.use(by: .generous) { _ in } }?.isConnectionLost == true)
        try Event.wait {
            try fixture.database.server.psql(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(fixture.database.name)'", in: "postgres"
            ).text == "0\n"
        }
    }
}

extension DatabaseConnection {
    /// The server's process behind it.
    fileprivate func process() throws -> Int? { try execute("SELECT pg_backend_pid()").first?.number(0) }
}

extension DatabasePool {
    fileprivate func process() throws -> Int? { try use(by: .generous) { try $0.process() } }
}
