#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <boost/asio/basic_socket_acceptor.hpp>

#include "node/core/limits.hpp"
#include "node/core/outbox.hpp"
#include "node/core/slab.hpp"
#include "node/edge/outbox_writer.hpp"
#include "node/edge/socket.hpp"
#include "node/tls/certificate.hpp"
#include "node/tls/ticket_keys.hpp"
#include "node/tls/tls_error.hpp"
#include "node/tls/tls_server.hpp"

namespace tulle::node::tls_test {
namespace {

TicketKeys::Secret secret_of(unsigned char byte) {
    TicketKeys::Secret secret{};
    secret.fill(byte);
    return secret;
}

std::string_view view(const std::array<unsigned char, 16>& name) {
    return {reinterpret_cast<const char*>(name.data()), name.size()};
}

TEST(TicketKeys, AreThoseOfTheSecretAndTheDay) {
    const TicketKeys one({secret_of(1)});
    const TicketKeys same({secret_of(1)});
    const TicketKeys other({secret_of(2)});
    EXPECT_EQ(one.key_of(20'000), same.key_of(20'000));
    EXPECT_FALSE(one.key_of(20'000) == one.key_of(20'001));
    EXPECT_FALSE(one.key_of(20'000) == other.key_of(20'000));
    const TicketKey key = one.key_of(20'000);
    EXPECT_NE(key.cipher, key.mac);
}

TEST(TicketKeys, OpenTicketsOfYesterdayTodayAndTomorrowAlone) {
    const TicketKeys keys({secret_of(1)});
    const TicketKey key = keys.key_of(20'000);
    for (const std::int64_t day : {19'999, 20'000, 20'001}) {
        EXPECT_EQ(keys.find(view(key.name), day), key) << day;
    }
    EXPECT_EQ(keys.find(view(key.name), 19'998), std::nullopt);
    EXPECT_EQ(keys.find(view(key.name), 20'002), std::nullopt);
    EXPECT_EQ(keys.find("short", 20'000), std::nullopt);
}

TEST(TicketKeys, SealByTheFirstSecretAndOpenByEach) {
    const TicketKeys old({secret_of(1)});
    const TicketKeys both({secret_of(2), secret_of(1)});
    EXPECT_EQ(both.key_of(20'000), TicketKeys({secret_of(2)}).key_of(20'000));
    const TicketKey of_old = old.key_of(20'000);
    EXPECT_EQ(both.find(view(of_old.name), 20'001), of_old);
    EXPECT_EQ(TicketKeys({secret_of(2)}).find(view(of_old.name), 20'000), std::nullopt);
}

/// A directory with a certificate for localhost, signed by itself.
class Files {
public:
    Files() {
        std::string name = std::filesystem::temp_directory_path() / "tulle-tls-XXXXXX";
        directory_ = ::mkdtemp(name.data());
        files.certificate = directory_ + "/a.crt";
        files.key = directory_ + "/a.key";
        write();
    }
    ~Files() { std::filesystem::remove_all(directory_); }
    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;

    TlsFiles files;

private:
    void write() const {
        const KeyPtr key(EVP_EC_gen("P-256"));
        const X509Ptr certificate(X509_new());
        X509_set_version(certificate.get(), 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
        X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86'400);
        X509_set_pubkey(certificate.get(), key.get());
        X509_NAME* name = X509_get_subject_name(certificate.get());
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1,
                                   -1, 0);
        X509_set_issuer_name(certificate.get(), name);
        ASSERT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
        const BioPtr to_certificate(BIO_new_file(files.certificate.c_str(), "w"));
        PEM_write_bio_X509(to_certificate.get(), certificate.get());
        const BioPtr to_key(BIO_new_file(files.key.c_str(), "w"));
        PEM_write_bio_PrivateKey(to_key.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        ::chmod(files.key.c_str(), 0600);
    }

    std::string directory_;
};

/// A client of OpenSSL and a cipher of `server`, joined by sockets.
class Pair {
public:
    Pair(const TlsServer& server, SSL_SESSION* session = nullptr, int version = TLS1_3_VERSION)
        : context_(SSL_CTX_new(TLS_client_method())) {
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets_), 0);
        cipher = server.make(sockets_[0], arena);
        SSL_CTX_set_max_proto_version(context_.get(), version);
        client.reset(SSL_new(context_.get()));
        SSL_set_fd(client.get(), sockets_[1]);
        SSL_set_connect_state(client.get());
        if (session != nullptr) {
            SSL_set_session(client.get(), session);
        }
    }
    ~Pair() {
        ::close(sockets_[0]);
        ::close(sockets_[1]);
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;

    /// Both sides take steps in turns.
    [[nodiscard]] bool shake_hands() {
        bool is_client_done = false;
        Cipher::Step step = Cipher::Step::kBlocked;
        for (int i = 0; i < 10 && !(is_client_done && step == Cipher::Step::kDone); ++i) {
            is_client_done = SSL_do_handshake(client.get()) == 1;
            step = step == Cipher::Step::kDone ? step : cipher->handshake();
            EXPECT_EQ(flush(), Written::kAll);
        }
        // The client reads the ticket.
        char none = 0;
        EXPECT_LE(SSL_read(client.get(), &none, 1), 0);
        return is_client_done && step == Cipher::Step::kDone;
    }
    Written flush() { return write_outbox(sockets_[0], cipher->sealed()); }
    /// All bytes that have come to the client.
    std::string received() {
        std::string text;
        char buffer[20'000];
        for (int got = 0; (got = SSL_read(client.get(), buffer, sizeof buffer)) > 0;) {
            text.append(buffer, static_cast<std::size_t>(got));
        }
        return text;
    }

    SlabArena arena;
    std::unique_ptr<Cipher> cipher;
    SslPtr client;

private:
    SslContextPtr context_;
    int sockets_[2] = {-1, -1};
};

using SessionPtr = std::unique_ptr<SSL_SESSION, FreeBy<SSL_SESSION_free>>;

TEST(TlsServer, TakesUpTheSessionOfAnotherServerWithTheSameSecret) {
    const Files certificate;
    const TlsServer one(certificate.files, {secret_of(1)});
    const TlsServer other(certificate.files, {secret_of(1)});
    const TlsServer stranger(certificate.files, {secret_of(2)});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        Pair first(one, nullptr, version);
        ASSERT_TRUE(first.shake_hands());
        EXPECT_FALSE(first.cipher->is_resumed());
        const SessionPtr session(SSL_get1_session(first.client.get()));
        Pair again(other, session.get(), version);
        ASSERT_TRUE(again.shake_hands());
        EXPECT_TRUE(again.cipher->is_resumed());
        const SessionPtr next(SSL_get1_session(first.client.get()));
        Pair strange(stranger, next.get(), version);
        ASSERT_TRUE(strange.shake_hands()) << "a ticket that cannot be opened asks for a full handshake";
        EXPECT_FALSE(strange.cipher->is_resumed());
    }
}

TEST(TlsServer, KeepsItsCertificatesWhenAReloadFails) {
    const Files good;
    const Files other;
    TlsServer server(good.files, {secret_of(1)});
    EXPECT_THROW(server.reload({good.files.certificate, other.files.key, ""}), TlsError);
    EXPECT_FALSE(server.reload(good.files)) << "the certificates are those of before";
    EXPECT_TRUE(server.reload(other.files));
    Pair pair(server);
    EXPECT_TRUE(pair.shake_hands());
}

/// An outbox with `sizes` ranges of one letter each; large ones lie in slabs of their own, so ranges stay apart.
void fill(Outbox& outbox, SlabArena& arena, const std::vector<std::size_t>& sizes, std::string& all) {
    char letter = 'a';
    for (const std::size_t size : sizes) {
        const std::string text(size, letter++);
        outbox.push_last(arena.append({text}));
        // Another frame in between keeps the ranges from being joined.
        [[maybe_unused]] const SlabRange apart = arena.append({"-"});
        all += text;
    }
}

/// A connection whose handshake is done, and an outbox for the connection.
class TlsSealing : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(pair.shake_hands()); }

    const Files certificate;
    const TlsServer server{certificate.files, {secret_of(1)}};
    Pair pair{server};
    const OutboxLimits limits{1u << 20, 1s};
    Outbox outbox{limits};
    std::string all;
};

TEST_F(TlsSealing, SealsAtMostItsMeasureAndNothingMoreBeforeThatIsTaken) {
    fill(outbox, pair.arena, {100, 20'000, 3, 40'000, 70'000, 1}, all);
    std::string received;
    while (!outbox.empty()) {
        const std::size_t before = outbox.bytes();
        ASSERT_TRUE(pair.cipher->seal(outbox));
        EXPECT_LE(before - outbox.bytes(), kTlsSealBytes);
        EXPECT_GT(before - outbox.bytes(), outbox.empty() ? 0 : kTlsSealBytes - kTlsRecordBytes);
        const std::size_t sealed = pair.cipher->sealed().bytes();
        const std::size_t left = outbox.bytes();
        ASSERT_TRUE(pair.cipher->seal(outbox));
        EXPECT_EQ(outbox.bytes(), left);
        EXPECT_EQ(pair.cipher->sealed().bytes(), sealed);
        while (!pair.cipher->sealed().empty()) {
            ASSERT_NE(pair.flush(), Written::kBroken);
            received += pair.received();
        }
    }
    EXPECT_EQ(received, all);
}

TEST_F(TlsSealing, JoinsSmallRangesToOneRecord) {
    fill(outbox, pair.arena, std::vector<std::size_t>(20, 10), all);
    ASSERT_TRUE(pair.cipher->seal(outbox));
    EXPECT_LT(pair.cipher->sealed().bytes(), all.size() + 40);
    EXPECT_EQ(pair.flush(), Written::kAll);
    EXPECT_EQ(pair.received(), all);
}

TEST(TlsCipher, ReadsWhatCameWithTheHandshakeAndTellsOfUnreadBytes) {
    const Files certificate;
    const TlsServer server(certificate.files, {secret_of(1)});
    Pair pair(server);
    ASSERT_TRUE(pair.shake_hands());
    EXPECT_FALSE(pair.cipher->has_unread());
    const std::string text(1000, 'x');
    ASSERT_EQ(SSL_write(pair.client.get(), text.data(), 1000), 1000);
    ASSERT_EQ(SSL_write(pair.client.get(), "end", 3), 3);
    std::array<char, 600> into{};
    std::size_t bytes = 0;
    ASSERT_EQ(pair.cipher->read(into, bytes), Cipher::Read::kBytes);
    EXPECT_EQ(bytes, 600u);
    EXPECT_TRUE(pair.cipher->has_unread()) << "the socket is empty, and the record is not";
    ASSERT_EQ(pair.cipher->read(into, bytes), Cipher::Read::kBytes);
    EXPECT_EQ(bytes, 400u);
    ASSERT_EQ(pair.cipher->read(into, bytes), Cipher::Read::kBytes);
    EXPECT_EQ(bytes, 3u);
    EXPECT_EQ(pair.cipher->read(into, bytes), Cipher::Read::kBlocked);
    EXPECT_FALSE(pair.cipher->has_unread());
    SSL_shutdown(pair.client.get());
    EXPECT_EQ(pair.cipher->read(into, bytes), Cipher::Read::kEnd);
    pair.cipher->detach();
    EXPECT_EQ(pair.cipher->read(into, bytes), Cipher::Read::kBroken);
}

TEST(TlsSocket, BreaksOffAPeerThatAsksForKeysWithoutEndAndReadsNothing) {
    const Files certificate;
    const TlsServer server(certificate.files, {secret_of(1)});
    using boost::asio::ip::tcp;
    boost::asio::io_context io;
    boost::asio::basic_socket_acceptor<tcp, boost::asio::io_context::executor_type> acceptor(
        io.get_executor(), tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    // Small buffers, so that the answers soon wait in the node.
    acceptor.set_option(boost::asio::socket_base::send_buffer_size(4096));
    TcpSocket peer(io.get_executor());
    peer.open(tcp::v4());
    peer.set_option(boost::asio::socket_base::receive_buffer_size(4096));
    peer.connect(acceptor.local_endpoint());
    // The socket's cipher gives its memory back to the arena.
    SlabArena arena;
    Socket socket(io.get_executor());
    acceptor.accept(socket);
    socket.non_blocking(true);
    peer.non_blocking(true);
    std::unique_ptr<Cipher> cipher = server.make(socket.native_handle(), arena);
    const SslContextPtr context(SSL_CTX_new(TLS_client_method()));
    const SslPtr client(SSL_new(context.get()));
    SSL_set_fd(client.get(), peer.native_handle());
    SSL_set_connect_state(client.get());
    bool is_client_done = false;
    Cipher::Step step = Cipher::Step::kBlocked;
    while (!is_client_done || step == Cipher::Step::kBlocked) {
        is_client_done = SSL_do_handshake(client.get()) == 1;
        step = step == Cipher::Step::kDone ? step : cipher->handshake();
        ASSERT_EQ(write_outbox(socket.native_handle(), cipher->sealed()), Written::kAll);
    }
    ASSERT_EQ(step, Cipher::Step::kDone);
    socket.secure(std::move(cipher));
    boost::system::error_code error = boost::asio::error::would_block;
    std::array<char, 100> into{};
    std::size_t waiting = 0;
    for (int i = 0; i < 100'000 && error == boost::asio::error::would_block; ++i) {
        ASSERT_EQ(SSL_key_update(client.get(), SSL_KEY_UPDATE_REQUESTED), 1);
        SSL_do_handshake(client.get());
        socket.read_some(boost::asio::buffer(into), error);
        waiting = socket.cipher()->sealed().bytes();
    }
    EXPECT_EQ(error, boost::asio::error::connection_reset);
    EXPECT_LT(waiting, 200u << 10);
}

TEST(TlsCipher, SaysItsEndOnce) {
    const Files certificate;
    const TlsServer server(certificate.files, {secret_of(1)});
    Pair pair(server);
    pair.cipher->seal_end();
    EXPECT_TRUE(pair.cipher->sealed().empty()) << "there is nothing to end before the handshake";
    ASSERT_TRUE(pair.shake_hands());
    pair.cipher->seal_end();
    const std::size_t bytes = pair.cipher->sealed().bytes();
    EXPECT_GT(bytes, 0u);
    pair.cipher->seal_end();
    EXPECT_EQ(pair.cipher->sealed().bytes(), bytes);
}

}  // namespace
}  // namespace tulle::node::tls_test
