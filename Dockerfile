# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/patches
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY bot ./bot
# The lock file pins; only what the bot needs to run is installed.
RUN /opt/patches/bin/pip install --no-cache-dir --disable-pip-version-check -c requirements.lock .

FROM python:3.13-slim
COPY --from=build /opt/patches /opt/patches
# A number, so that Kubernetes' runAsNonRoot can check it. /data holds the database, and patches.toml if there is one:
# it is all the bot ever writes to, so the root file system may be read-only.
RUN install -d -o 10001 -g 10001 -m 0750 /data
ENV PATH=/opt/patches/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATABASE_URL=sqlite+aiosqlite:////data/patches.db \
    BOT_HTTP=0.0.0.0:3000 \
    MPLCONFIGDIR=/data/.matplotlib
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
# Past proxies on purpose: HTTP_PROXY in the environment must not catch a call to the container itself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['BOT_HTTP'].rpartition(':')[2] + '/healthz', timeout=4)"]
ENTRYPOINT ["patches-bot"]
CMD ["run"]
