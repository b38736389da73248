#include "node/tls/tls_server.hpp"

#include <utility>

#include <openssl/rand.h>

#include "node/edge/clock.hpp"
#include "node/tls/certificate.hpp"
#include "node/tls/tls_cipher.hpp"
#include "node/tls/tls_error.hpp"

namespace tulle::node {
namespace {

std::shared_ptr<const TlsContext> read(const TlsFiles& files, const std::shared_ptr<const TicketKeys>& tickets) {
    return std::make_shared<const TlsContext>(files, tickets, wall_now().time_since_epoch().count());
}

}  // namespace

TlsServer::TlsServer(const TlsFiles& files, TicketKeys::Secrets tickets)
    : tickets_(std::make_shared<const TicketKeys>(std::move(tickets))), context_(read(files, tickets_)) {}

std::unique_ptr<Cipher> TlsServer::make(int socket, SlabArena& arena) const {
    return std::make_unique<TlsCipher>(context_.load(), socket, arena);
}

bool TlsServer::reload(const TlsFiles& files) {
    std::shared_ptr<const TlsContext> fresh = read(files, tickets_);
    const bool has_changed = fresh->identity() != context_.load()->identity();
    context_.store(std::move(fresh));
    return has_changed;
}

void TlsServer::set_ticket_secrets(TicketKeys::Secrets tickets) {
    if (tickets != tickets_->secrets()) {
        tickets_ = std::make_shared<const TicketKeys>(std::move(tickets));
    }
}

TicketKeys::Secret random_ticket_secret() {
    TicketKeys::Secret secret{};
    if (RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1) {
        throw TlsError("no random numbers: " + openssl_reason());
    }
    return secret;
}

}  // namespace tulle::node
