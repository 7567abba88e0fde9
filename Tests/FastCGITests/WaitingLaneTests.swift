import Foundation
import Synchronization
import Testing

@testable import FastCGI

private final class Token: Sendable {}

@Test("jobs are done in the order in which they came, when there is one thread")
func order() {
    let lane = BlockingPool(threads: 1, queue: 100)
    let done = Mutex<[Int]>([])
    let finished = DispatchSemaphore(value: 0)
    for number in 0..<50 { #expect(lane.add { done.withLock { $0.append(number) } }) }
    #expect(lane.add { finished.signal() })
    finished.wait()
    #expect(done.withLock { $0 } == Array(0..<50))
}

@Test("as many jobs as there are threads are done at once")
func atOnce() {
    let lane = BlockingPool(threads: 8, queue: 100)
    let (inside, gate) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    for _ in 0..<8 {
        #expect(
            lane.add {
                inside.signal()
                gate.wait()
            })
    }
    for _ in 0..<8 { #expect(inside.wait(timeout: .now() + 10) == .success) }
    for _ in 0..<8 { gate.signal() }
}

@Test("a job for which there is no room is refused")
func full() {
    let lane = BlockingPool(threads: 1, queue: 2)
    let (inside, gate) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    #expect(
        lane.add {
            inside.signal()
            gate.wait()
        })
    inside.wait()
    #expect(lane.add {})
    #expect(lane.add {})
    #expect(!lane.add {})
    gate.signal()
}

@Test("who looks for a job without waiting for one leaves no thread behind that the next job would be left to")
func notWaiting() {
    let lane = BlockingPool(threads: 1, queue: 1)
    #expect(lane.take(wait: false) == nil)
    let done = DispatchSemaphore(value: 0)
    #expect(lane.add { done.signal() })
    #expect(done.wait(timeout: .now() + 10) == .success)
}

@Test("when no thread can be started, whoever came does all that was left to one", arguments: [2, 3, 8])
func noThreads(count: Int) throws {
    struct NoThread: Error {}
    let (asked, gate) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let lane = BlockingPool(threads: count, queue: 100) { _ in
        asked.signal()
        gate.wait()
        throw NoThread()
    }
    let done = Mutex(0)
    let ended = DispatchGroup()
    for _ in 0..<count {
        inBackground(ended) { #expect(lane.add { done.withLock { $0 += 1 } }) }
    }
    // All of them have asked for a thread before the first is told that there is none.
    for _ in 0..<count { asked.wait() }
    for _ in 0..<count { gate.signal() }
    ended.wait()
    #expect(done.withLock { $0 } == count)
}

private func inBackground(_ group: DispatchGroup, _ body: @escaping @Sendable () -> Void) {
    group.enter()
    Foundation.Thread {
        body()
        group.leave()
    }.start()
}

@Test("a job that is done is let go, though others always wait")
func letGo() {
    let lane = BlockingPool(threads: 1, queue: 100)
    let gates = (0..<3).map { _ in (inside: DispatchSemaphore(value: 0), open: DispatchSemaphore(value: 0)) }
    func addGate(_ number: Int) {
        let gate = gates[number]
        #expect(
            lane.add {
                gate.inside.signal()
                gate.open.wait()
            })
    }
    weak var done: Token?
    addGate(0)
    gates[0].inside.wait()
    do {
        let token = Token()
        done = token
        #expect(lane.add { withExtendedLifetime(token) {} })
    }
    addGate(1)
    addGate(2)
    gates[0].open.signal()
    // Now one is at work, one waits, and the one with the token is done.
    gates[1].inside.wait()
    #expect(done == nil)
    gates[1].open.signal()
    gates[2].open.signal()
}
