#!/usr/bin/env ruby
# A receiver of signed webhooks in Ruby 3.0 or later. It needs the gem webrick (Debian's package ruby-webrick).
#   WEBHOOK_SECRET=whsec_… INBOX=inbox PORT=8080 ruby receiver.rb
# The gem `standardwebhooks` has what `verify` does here.
require "fileutils"
require "json"
require "openssl"
require "securerandom"
require "webrick"

KEY = ENV.fetch("WEBHOOK_SECRET").delete_prefix("whsec_").unpack1("m0")
INBOX = ENV.fetch("INBOX", "inbox")
# Bytes; a notification has a little more than 1 MiB at most.
LIMIT = 2 * 1024 * 1024

# The status of the answer, and why.
def receive(request)
  return 405, "only POST" unless request.request_method == "POST"

  body = read(request)
  return 413, "too large" if body.nil?

  problem = verify(request, body)
  return 401, problem if problem

  id = request["webhook-id"]
  return 400, "webhook-id is no name of a file" unless /\A[\w-]{1,100}\z/.match?(id)

  JSON.parse(body.dup.force_encoding(Encoding::UTF_8))
  keep(id, body)
  [204, nil]
rescue JSON::ParserError
  [400, "not JSON"]
rescue SystemCallError => e
  # Not kept: kazoo-relay sends it again.
  warn e.message
  [503, "it could not be kept"]
end

# Reads a body that is too large to its end, so that the sender sees the answer.
def read(request)
  body = String.new(encoding: Encoding::BINARY)
  request.body { |chunk| body << chunk if body.bytesize <= LIMIT }
  body.bytesize > LIMIT ? nil : body
end

# Why the request isn't kazoo-relay's, or nil.
def verify(request, body)
  id, sent, signatures = %w[id timestamp signature].map { |name| request["webhook-#{name}"].to_s.b }
  unless /\A\d{1,12}\z/.match?(sent) && (Time.now.to_i - sent.to_i).abs <= 300
    return "webhook-timestamp is missing, or more than five minutes away"
  end

  expected = "v1,#{[OpenSSL::HMAC.digest("SHA256", KEY, "#{id}.#{sent}.".b + body)].pack("m0")}"
  # One for each secret, while an old one is replaced.
  return if signatures.split(" ").any? { |one| OpenSSL.secure_compare(expected, one) }

  "no signature fits"
end

# The file appears whole and only once, however often the notification comes; what reads the inbox does the rest.
def keep(id, body)
  file = File.join(INBOX, "#{id}.json")
  return if File.exist?(file)

  part = File.join(INBOX, "#{SecureRandom.uuid}.part")
  File.open(part, File::WRONLY | File::CREAT | File::EXCL | File::BINARY) do |f|
    f.write(body)
    f.fsync
  end
  File.rename(part, file)
  puts "kept #{id}"
end

FileUtils.mkdir_p(INBOX)
$stdout.sync = true
server = WEBrick::HTTPServer.new(BindAddress: "127.0.0.1", Port: ENV.fetch("PORT", "8080").to_i, AccessLog: [])
server.mount_proc("/") { |request, response| response.status, response.body = receive(request) }
%w[INT TERM].each { |signal| trap(signal) { server.shutdown } }
server.start
