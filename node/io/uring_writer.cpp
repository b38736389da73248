#include "node/io/uring_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <numeric>
#include <system_error>

#include <liburing.h>
#include <sys/socket.h>

namespace tulle::node {
namespace {

/// What has become of one send; the rest of what was taken in part is written at once.
Written settle(const WriteJob& job, int result) {
    if (result == -EAGAIN) {
        return Written::kBlocked;
    }
    if (result < 0 && result != -EINTR) {
        return Written::kBroken;
    }
    job.outbox->on_sent(static_cast<std::size_t>(std::max(result, 0)));
    return job.outbox->empty() ? Written::kAll : write_outbox(job.socket, *job.outbox);
}

}  // namespace

std::unique_ptr<OutboxWriter> UringWriter::make(unsigned entries) {
    auto ring = std::make_unique<io_uring>();
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL;
    if (io_uring_queue_init_params(entries, ring.get(), &parameters) < 0) {
        return nullptr;
    }
    return std::unique_ptr<OutboxWriter>(
        new UringWriter(std::unique_ptr<io_uring, Closer>(ring.release()), entries));
}

void UringWriter::Closer::operator()(io_uring* ring) const {
    io_uring_queue_exit(ring);
    delete ring;
}

std::uint64_t UringWriter::write(std::span<WriteJob> jobs) {
    const auto sum = [](std::uint64_t bytes, const WriteJob& job) { return bytes + job.outbox->bytes(); };
    const std::span<WriteJob> all = jobs;
    const std::uint64_t before = std::accumulate(all.begin(), all.end(), std::uint64_t{0}, sum);
    while (jobs.size() >= kMinBatch) {
        const std::span<WriteJob> batch = jobs.first(std::min<std::size_t>(jobs.size(), entries_));
        write_batch(batch);
        jobs = jobs.subspan(batch.size());
    }
    for (WriteJob& job : jobs) {
        job.written = write_outbox(job.socket, *job.outbox);
    }
    return before - std::accumulate(all.begin(), all.end(), std::uint64_t{0}, sum);
}

void UringWriter::write_batch(std::span<WriteJob> jobs) {
    unsigned waiting = prepare(jobs);
    while (waiting > 0) {
        const int result = io_uring_submit_and_wait(ring_.get(), waiting);
        if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) {
            throw std::system_error(-result, std::generic_category(), "io_uring_enter");
        }
        waiting -= reap(jobs);
    }
}

unsigned UringWriter::prepare(std::span<WriteJob> jobs) {
    unsigned count = 0;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        WriteJob& job = jobs[i];
        if (!job.outbox->has_one_part()) {
            job.written = write_outbox(job.socket, *job.outbox);
            continue;
        }
        const std::string_view bytes = job.outbox->front();
        io_uring_sqe* entry = io_uring_get_sqe(ring_.get());
        io_uring_prep_send(entry, job.socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        io_uring_sqe_set_data64(entry, i);
        ++count;
    }
    return count;
}

unsigned UringWriter::reap(std::span<WriteJob> jobs) {
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* entry = nullptr;
    io_uring_for_each_cqe(ring_.get(), head, entry) {
        WriteJob& job = jobs[io_uring_cqe_get_data64(entry)];
        job.written = settle(job, entry->res);
        ++count;
    }
    io_uring_cq_advance(ring_.get(), count);
    return count;
}

}  // namespace tulle::node
