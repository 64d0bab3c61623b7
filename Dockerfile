# Wardline in a small image: Debian's own Python, the locked requirements, no root.

FROM debian:bookworm-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-venv
WORKDIR /src
RUN python3 -m venv /opt/wardline
# Dependencies before code: a change of code does not fetch them again.
COPY requirements.lock ./
RUN /opt/wardline/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY gateway gateway
COPY printers printers
COPY dialplans dialplans
COPY demo demo
RUN /opt/wardline/bin/pip install --no-cache-dir --disable-pip-version-check \
        --no-deps --no-build-isolation . \
 && /opt/wardline/bin/pip uninstall -q -y pip hatchling trove-classifiers pathspec pluggy

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 espeak-ng \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 wardline \
 && useradd --system --uid 10001 --gid wardline --home-dir /var/lib/wardline --create-home wardline
COPY --from=build /opt/wardline /opt/wardline
ENV PATH=/opt/wardline/bin:$PATH \
    PYTHONUNBUFFERED=1
USER wardline
WORKDIR /var/lib/wardline
VOLUME /var/lib/wardline
STOPSIGNAL SIGTERM
ENTRYPOINT ["wardline"]
CMD ["run", "--config", "/etc/wardline/site.toml"]
