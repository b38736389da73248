#include "node/edge/uring_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string_view>
#include <system_error>

#include <liburing.h>
#include <sys/socket.h>

namespace tulle::node {

// How a batch goes: prepare() queues a send in the ring for each job with a whole range. A single io_uring_enter hands
// the sends to the kernel, which does the sends inside the call (MSG_DONTWAIT never waits), and posts the results.
// reap() ends the jobs by the results; the rest of a send that was not taken whole goes through write_outbox.

std::unique_ptr<OutboxWriter> UringWriter::make(unsigned entries) {
    auto ring = std::make_unique<io_uring>();
    io_uring_params parameters{};
    // Without these flags the kernel would run completions by interrupting the thread, and would stop submitting at the
    // first request with an error.
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL;
    if (io_uring_queue_init_params(entries, ring.get(), &parameters) < 0) {
        return nullptr;
    }
    return std::unique_ptr<OutboxWriter>(new UringWriter(std::unique_ptr<io_uring, Closer>(ring.release()), entries));
}

void UringWriter::Closer::operator()(io_uring* ring) const {
    io_uring_queue_exit(ring);
    delete ring;
}

std::uint64_t UringWriter::write(std::span<WriteJob> jobs) {
    std::uint64_t bytes = 0;
    // The last few jobs are cheaper with plain sends.
    while (jobs.size() >= kMinBatch) {
        const std::span<WriteJob> batch = jobs.first(std::min<std::size_t>(jobs.size(), entries_));
        bytes += write_batch(batch);
        jobs = jobs.subspan(batch.size());
    }
    for (WriteJob& job : jobs) {
        // put_back with 0 bytes sent: the plain way writes the whole range.
        bytes += job.whole.size == 0 ? write_rest(job) : put_back(job, 0);
    }
    return bytes;
}

std::uint64_t UringWriter::write_batch(std::span<WriteJob> jobs) {
    std::uint64_t bytes = 0;
    unsigned waiting = prepare(jobs, bytes);
    // The loop repeats after an interruption: some results may still be missing.
    while (waiting > 0) {
        const int result = io_uring_submit_and_wait(ring_.get(), waiting);
        if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) {
            throw std::system_error(-result, std::generic_category(), "io_uring_enter");
        }
        waiting -= reap(jobs, bytes);
    }
    return bytes;
}

unsigned UringWriter::prepare(std::span<WriteJob> jobs, std::uint64_t& bytes) {
    unsigned count = 0;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        WriteJob& job = jobs[i];
        // Several ranges: the plain way gathers the ranges in a send.
        if (job.whole.size == 0) {
            bytes += write_rest(job);
            continue;
        }
        const std::string_view whole = job.whole.view();
        io_uring_sqe* entry = io_uring_get_sqe(ring_.get());
        io_uring_prep_send(entry, job.socket, whole.data(), whole.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        // The result names the job by its index.
        io_uring_sqe_set_data64(entry, i);
        ++count;
    }
    return count;
}

unsigned UringWriter::reap(std::span<WriteJob> jobs, std::uint64_t& bytes) {
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* entry = nullptr;
    io_uring_for_each_cqe(ring_.get(), head, entry) {
        bytes += finish(jobs[io_uring_cqe_get_data64(entry)], entry->res);
        ++count;
    }
    io_uring_cq_advance(ring_.get(), count);
    return count;
}

}  // namespace tulle::node
